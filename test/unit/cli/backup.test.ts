import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { aNumber, anId, aTime, BINARY, fill, firstBackup, phases } from '../../build/first-backup.ts';

const cli = await useCli();

describe('backup', () => {
  it('prints what it has taken', async () => {
    fill(cli);
    await cli.must(['init', '--yes']);
    const full = await cli.json(['backup', '--label', 'before', '--pin']);
    expect(full.code).toBe(0);
    expect(full.value).toMatchObject({
      id: anId,
      set: 'workspace',
      kind: 'full',
      base: null,
      createdAt: aTime,
      durationMs: aNumber,
      status: 'complete',
      label: 'before',
      pinned: true,
      files: { total: 5, added: 5, modified: 0, deleted: 0, unchanged: 0 },
      tables: { total: 0, added: 0, modified: 0, deleted: 0, unchanged: 0 },
      bytes: { source: aNumber, read: aNumber, new: aNumber, stored: aNumber },
      ratio: aNumber,
      phases,
      problems: [],
    });
    rmSync(join(cli.workspace, 'data.bin'));
    writeFileSync(join(cli.workspace, 'custom/a.php'), 'changed');
    for (const kind of ['incremental', 'differential']) {
      const { value } = await cli.json(['backup', '--kind', kind]);
      expect(value).toMatchObject({ kind, base: anId });
    }
  });

  it('stores nothing when it is only tried', async () => {
    fill(cli);
    await cli.must(['init', '--yes']);
    const { code, value } = await cli.json(['backup', '--dry-run']);
    expect(code).toBe(0);
    expect(value).toMatchObject({ id: null, kind: 'full', files: { added: 5 } });
    expect((await cli.json(['list'])).value.backups).toEqual([]);
  });

  it('is done but incomplete when a source cannot be taken', async () => {
    fill(cli);
    await cli.must(['init', '--yes']);
    const file = join(cli.workspace, '.vscode/crm-backup.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"root": "."', '"root": "."}, {"name": "gone", "root": "gone"'));
    const { code, value } = await cli.json(['backup']);
    expect(code).toBe(3);
    expect(value).toMatchObject({
      status: 'partial',
      problems: [{ code: 'root-missing', path: 'files/gone', message: expect.any(String) as string }],
    });
    expect((await cli.run(['backup'])).stdout.toString()).toContain('files/gone');
  });
});

describe('list and show', () => {
  it('print the backups, newest first', async () => {
    const first = await firstBackup(cli);
    const second = (await cli.json(['backup', '--label', 'second'])).value.id;
    const { value } = await cli.json(['list']);
    expect(value.backups.map(({ id }) => id)).toEqual([second, first]);
    expect(value.backups[1]).toEqual({
      id: first,
      set: 'workspace',
      kind: 'full',
      base: null,
      createdAt: aTime,
      label: null,
      pinned: false,
      safety: false,
      status: 'complete',
      bytes: { source: aNumber, read: aNumber, new: aNumber, stored: aNumber },
      ratio: aNumber,
      verifiedAt: null,
      damagedAt: null,
      lostPaths: 0,
      git: null,
    });
    expect((await cli.json(['show', 'latest'])).value).toMatchObject({
      ...value.backups[0],
      label: 'second',
      base: first,
      sources: [{ type: 'files', name: 'workspace', directory: cli.workspace }],
      changes: { files: { total: 5 }, tables: { total: 0 } },
      phases,
      problems: [],
    });
    const { text } = await cli.run(['list']);
    expect(text).toMatch(new RegExp(`^ID .*\\n${second.slice(0, 8)} .*second\\n${first.slice(0, 8)} .*\\n$`));
    expect((await cli.run(['show', first.slice(0, 6)])).text).toContain(first);
  });

  it('tells apart the sets of a workspace, or of a vault', async () => {
    await firstBackup(cli);
    await cli.must(['init', '--name', 'second'], ['backup', '--set', 'second']);
    const sets = async (...args: string[]): Promise<unknown[]> => {
      const { backups } = (await cli.json(['list', ...args])).value;
      return backups.map((backup) => 'set' in backup && backup.set);
    };
    expect(await sets()).toEqual(['second', 'workspace']);
    expect(await sets('--set', 'workspace')).toEqual(['workspace']);
    const { vault } = (await cli.json(['init', '--set', 'second'])).value;
    expect(await sets('--vault', vault)).toEqual(['second', 'workspace']);
    expect(await sets('--vault', vault, '--set', 'second')).toEqual(['second']);
    const { code, value } = await cli.json(['backup']);
    expect([code, value.error.code]).toEqual([2, 'several-sets']);
  });

  it('tells of the backups that a set has under its former name', async () => {
    await cli.must(['init', '--yes', '--vault', join(cli.scratch, 'vault')]);
    expect((await cli.run(['list'])).text).not.toContain('The vault has');
    await cli.must(['backup']);
    const file = join(cli.workspace, '.vscode/crm-backup.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"workspace"', '"renamed"'));
    const { code, text } = await cli.run(['list']);
    expect(code).toBe(0);
    expect(text).toContain('backups of “workspace”, which the set file does not name');
    expect(text).toContain(join(cli.scratch, 'vault'));
  });
});

describe('pin, label, forget and prune', () => {
  it('change what is kept of a backup', async () => {
    const first = await firstBackup(cli);
    expect((await cli.json(['pin', first])).value).toEqual({ id: first, pinned: true });
    expect((await cli.json(['label', 'latest', 'before 9.0'])).value).toEqual({
      id: first,
      label: 'before 9.0',
    });
    expect((await cli.json(['list'])).value.backups).toMatchObject([{ pinned: true, label: 'before 9.0' }]);
    expect((await cli.json(['unpin', first])).value).toEqual({ id: first, pinned: false });
    expect((await cli.json(['label', first])).value).toEqual({ id: first, label: null });
    expect((await cli.json(['list'])).value.backups).toMatchObject([{ pinned: false, label: null }]);
  });

  it('forget backups by id, never pinned ones, and free their space', async () => {
    const first = await firstBackup(cli);
    const second = (await cli.json(['backup', '--kind', 'full', '--pin'])).value.id;
    const refused = await cli.json(['forget', first, 'latest']);
    expect([refused.code, refused.value.error.code]).toEqual([2, 'usage']);
    expect((await cli.json(['list'])).value.backups.length).toBe(2);

    const expected = { removed: [first], kept: [{ id: second, reasons: ['pinned'] }] };
    expect((await cli.json(['forget', first, first.slice(0, 8), '--dry-run'])).value).toEqual(expected);
    expect((await cli.json(['list'])).value.backups.length).toBe(2);
    expect((await cli.json(['forget', first, first.slice(0, 8)])).value).toEqual(expected);
    expect((await cli.json(['list'])).value.backups.map(({ id }) => id)).toEqual([second]);

    expect((await cli.json(['prune', '--dry-run'])).value).toMatchObject({
      freedBytes: aNumber,
      repackedBytes: aNumber,
    });
    expect((await cli.json(['prune'])).value).toMatchObject({ freedBytes: aNumber, repackedBytes: aNumber });
    expect((await cli.run(['cat', 'latest', 'data.bin'])).stdout).toEqual(BINARY);
    expect((await cli.run(['show', first])).code).toBe(1);
  });
});
