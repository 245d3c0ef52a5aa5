import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { snapshotTree } from '../../build/snapshot-tree.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

// Each test starts many processes.
vi.setConfig({ testTimeout: 120_000 });

let cli: Cli;
beforeAll(async () => {
  cli = await buildCli();
});
afterAll(() => cli[Symbol.asyncDispose]());
beforeEach(() => {
  rmSync(cli.workspace, { recursive: true });
  rmSync(cli.scratch, { recursive: true });
  rmSync(cli.home, { recursive: true, force: true });
  mkdirSync(cli.workspace);
  mkdirSync(cli.scratch);
});

const ID = /^[0-9a-f]{64}$/;
const anId = expect.stringMatching(ID) as string;
const aTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
const aNumber = expect.any(Number) as number;
const phases = expect.objectContaining({}) as object;

const BINARY = Buffer.from([0, 1, 2, 255, 10, 13]);

function fill(): void {
  makeTree(
    cli.workspace,
    treeOf({
      'custom/a.php': 'one\ntwo\nthree\n',
      'custom/new\nline': 'x',
      'data.bin': BINARY,
      'empty/': '',
      go: { link: 'custom/a.php' },
    }),
  );
}

/** Sets up the workspace and takes one backup; its id. */
async function firstBackup(): Promise<string> {
  fill();
  await cli.must(['init', '--yes']);
  return (await cli.json(['backup'])).value.id;
}

describe('starting', () => {
  it('keeps the compiled program among the user’s own data, once there is any', async () => {
    expect((await cli.run(['--version'])).code).toBe(0);
    expect(existsSync(cli.home)).toBe(false);
    mkdirSync(cli.home);
    expect((await cli.run(['--version'])).code).toBe(0);
    const cache = join(cli.home, 'cache');
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    // Whatever stands there, the program starts.
    const [folder = ''] = readdirSync(cache);
    const kept = readdirSync(join(cache, folder));
    expect(kept.length).toBe(1);
    for (const file of kept) writeFileSync(join(cache, folder, file), 'not compiled');
    expect((await cli.run(['--version'])).code).toBe(0);
    rmSync(cache, { recursive: true });
    writeFileSync(cache, '');
    expect((await cli.run(['--version'])).code).toBe(0);
  });
});

describe('init', () => {
  it('writes the set file and makes vault and key', async () => {
    const { code, value } = await cli.json(['init', '--name', 'espo', '--yes']);
    expect(code).toBe(0);
    expect(value).toEqual({
      set: 'espo',
      crm: null,
      vault: expect.stringContaining(join(cli.home, 'vaults', 'workspace-')) as string,
      keyFile: expect.stringContaining(join(cli.home, 'keys')) as string,
    });
    expect(statSync(value.keyFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(cli.workspace, '.vscode/crm-backup.json'), 'utf8')).toContain('"name": "espo"');
  });

  it('keeps what there is, and makes what is missing', async () => {
    const first = (await cli.json(['init', '--yes'])).value;
    const file = join(cli.workspace, '.vscode/crm-backup.json');
    const text = readFileSync(file, 'utf8');
    expect((await cli.json(['init'])).value).toEqual(first);
    rmSync(first.vault, { recursive: true });
    const again = (await cli.json(['init'])).value;
    expect(again.vault).toBe(first.vault);
    expect(again.keyFile).not.toBe(first.keyFile);
    expect(readFileSync(file, 'utf8')).toBe(text);
    await cli.must(['init', '--name', 'second'], ['backup', '--set', 'second']);
  });

  it('puts the vault where it was told, for good', async () => {
    fill();
    const vault = join(cli.scratch, 'vault');
    await cli.must(['init', '--vault', '../scratch/vault', '--key-file', '../scratch/key']);
    const { value } = await cli.json(['backup', '--key-file', '../scratch/key']);
    expect(
      (
        await cli.json(['list', '--vault', vault], {
          cwd: '/',
          env: { CRM_BACKUP_KEY_FILE: join(cli.scratch, 'key') },
        })
      ).value.backups.map(({ id }) => id),
    ).toEqual([value.id]);
  });

  it('refuses a name that no folder can have', async () => {
    const { code, value } = await cli.json(['init', '--name', 'a/b']);
    expect([code, value.error.code]).toEqual([2, 'usage']);
  });
});

describe('backup', () => {
  it('prints what it has taken', async () => {
    fill();
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
    fill();
    await cli.must(['init', '--yes']);
    const { code, value } = await cli.json(['backup', '--dry-run']);
    expect(code).toBe(0);
    expect(value).toMatchObject({ id: null, kind: 'full', files: { added: 5 } });
    expect((await cli.json(['list'])).value.backups).toEqual([]);
  });

  it('is done but incomplete when a source cannot be taken', async () => {
    fill();
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
    const first = await firstBackup();
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
    await firstBackup();
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
});

describe('ls and cat', () => {
  it('print entries and bytes as they are', async () => {
    await firstBackup();
    expect(
      (await cli.json(['ls', 'latest', 'files/workspace'])).value.entries.map(({ path }) => path),
    ).toEqual([
      'files/workspace/.vscode',
      'files/workspace/custom',
      'files/workspace/data.bin',
      'files/workspace/empty',
      'files/workspace/go',
    ]);
    expect((await cli.json(['ls', 'latest'])).value.entries.map(({ path }) => path)).toEqual([
      'files/workspace',
    ]);
    const { entries } = (await cli.json(['ls', 'latest', 'custom', '--recursive'])).value;
    expect(entries).toEqual([
      { path: 'files/workspace/custom/a.php', type: 'file', size: 14, mtime: aTime, mode: 0o644 },
      { path: 'files/workspace/custom/new\nline', type: 'file', size: 1, mtime: aTime, mode: 0o644 },
    ]);
    expect((await cli.json(['ls', 'latest', 'go'])).value.entries).toMatchObject([
      { type: 'link', target: 'custom/a.php' },
    ]);
    expect((await cli.run(['ls', 'latest', 'custom'])).text.split('\n')[1]).toMatch(
      /"files\/workspace\/custom\/new\\nline"$/,
    );

    expect((await cli.run(['cat', 'latest', 'data.bin'])).stdout).toEqual(BINARY);
    expect((await cli.run(['cat', 'latest', '"custom/new\\nline"'])).text).toBe('x');
    expect((await cli.run(['cat', 'latest', 'go'])).text).toBe('custom/a.php');
    expect((await cli.run(['cat', 'latest', 'custom'])).code).toBe(2);
    expect((await cli.run(['cat', 'latest', 'nothing'])).code).toBe(1);
    expect((await cli.json(['cat', 'latest', 'data.bin'])).code).toBe(2);
  });
});

describe('diff', () => {
  it('prints what changed since the base, up to another backup, or up to now', async () => {
    const first = await firstBackup();
    writeFileSync(join(cli.workspace, 'custom/a.php'), 'one\n2\nthree\nfour\n');
    renameSync(join(cli.workspace, 'data.bin'), join(cli.workspace, 'moved.bin'));
    rmSync(join(cli.workspace, 'go'));
    const changes = [
      {
        path: 'files/workspace/custom/a.php',
        change: 'modified',
        type: 'file',
        binary: false,
        added: 2,
        deleted: 1,
      },
      { path: 'files/workspace/go', change: 'deleted', type: 'link', binary: false, added: 0, deleted: 1 },
    ];
    const renamed = {
      path: 'files/workspace/moved.bin',
      oldPath: 'files/workspace/data.bin',
      change: 'renamed',
    };
    const live = await cli.json(['diff', first, '--workspace']);
    expect(live.value).toMatchObject({ from: first, to: 'workspace', tables: [] });
    expect(live.value.entries).toEqual(expect.arrayContaining(changes));

    const second = (await cli.json(['backup'])).value.id;
    const stored = { from: first, to: second, entries: [changes[0], changes[1], renamed], tables: [] };
    expect((await cli.json(['diff', 'latest'])).value).toMatchObject(stored);
    expect((await cli.json(['diff', first, second])).value).toMatchObject(stored);
    expect((await cli.json(['diff', second, 'custom'])).value.entries).toEqual([changes[0]]);
    expect((await cli.json(['diff', first, second, 'go', 'empty'])).value.entries).toEqual([changes[1]]);
    expect((await cli.json(['diff', second, '--workspace'])).value.entries).toEqual([]);

    const { value: whole } = await cli.json(['diff', first]);
    expect(whole).toMatchObject({ from: null, to: first });
    expect(whole.entries.length).toBe(9);

    const patch = (await cli.run(['diff', 'latest', '--patch', 'custom/a.php'])).text;
    expect(patch).toBe(
      [
        'diff --git a/files/workspace/custom/a.php b/files/workspace/custom/a.php',
        '--- a/files/workspace/custom/a.php',
        '+++ b/files/workspace/custom/a.php',
        '@@ -1,3 +1,4 @@',
        ' one',
        '-two',
        '+2',
        ' three',
        '+four',
        '',
      ].join('\n'),
    );
    expect((await cli.json(['diff', 'latest', '-p', 'custom/a.php'])).value.entries).toMatchObject([
      { patch },
    ]);
  });

  it('takes the workspace by its short name where --workspace means the live files', async () => {
    const first = await firstBackup();
    const elsewhere = { cwd: cli.scratch };
    for (const args of [
      ['-C', cli.workspace, 'diff', first, '--workspace'],
      ['diff', first, '--workspace', '-C', cli.workspace],
      ['--workspace', cli.workspace, 'diff', first, '--workspace'],
    ]) {
      expect((await cli.json(args, elsewhere)).value).toMatchObject({ to: 'workspace', entries: [] });
    }
    expect((await cli.json(['--workspace', cli.workspace, 'diff', first], elsewhere)).value).toMatchObject({
      to: first,
    });
  });
});

describe('log and find', () => {
  it('print the versions of a path, and where a name is', async () => {
    const first = await firstBackup();
    await cli.must(['backup']);
    writeFileSync(join(cli.workspace, 'custom/a.php'), 'longer than before\n');
    const third = (await cli.json(['backup', '--label', 'edited'])).value.id;
    expect((await cli.json(['log', 'custom/a.php'])).value).toEqual({
      path: 'files/workspace/custom/a.php',
      versions: [
        { backup: third, createdAt: aTime, size: 19, change: 'modified', label: 'edited' },
        { backup: first, createdAt: aTime, size: 14, change: 'added', label: null },
      ],
    });
    const { matches } = (await cli.json(['find', '*.php'])).value;
    expect(matches).toEqual([
      {
        path: 'files/workspace/custom/a.php',
        type: 'file',
        size: 19,
        mtime: aTime,
        backup: third,
        createdAt: aTime,
        oldest: { backup: first, createdAt: aTime },
      },
    ]);
    expect((await cli.json(['find', 'nothing'])).value.matches).toEqual([]);
    expect((await cli.run(['find', '[z-a]'])).code).toBe(2);
    expect((await cli.run(['log', 'nothing'])).code).toBe(1);
  });
});

describe('restore', () => {
  it('brings everything back in place, after a safety backup', async () => {
    fill();
    chmodSync(join(cli.workspace, 'custom/a.php'), 0o600);
    await cli.must(['init', '--yes']);
    const before = snapshotTree(cli.workspace);
    const id = (await cli.json(['backup'])).value.id;
    rmSync(join(cli.workspace, 'custom'), { recursive: true });
    writeFileSync(join(cli.workspace, 'data.bin'), 'spoilt');
    writeFileSync(join(cli.workspace, 'extra'), 'new');

    const dry = await cli.json(['restore', 'latest', '--dry-run', '--delete']);
    expect(dry.value).toMatchObject({
      plan: { create: 2, replace: 1, delete: 1, unchanged: 2, tables: [] },
      safetyBackup: null,
      verified: false,
    });
    expect(readFileSync(join(cli.workspace, 'data.bin'), 'utf8')).toBe('spoilt');

    const { code, value } = await cli.json(['restore', 'latest', '--delete']);
    expect(code).toBe(0);
    expect(value).toMatchObject({
      plan: { create: 2, replace: 1, delete: 1, unchanged: 2, tables: [] },
      safetyBackup: anId,
      verified: true,
      durationMs: aNumber,
      phases: { fetch: aNumber, decode: aNumber, write: aNumber, load: aNumber, verify: aNumber },
    });
    expect(snapshotTree(cli.workspace)).toEqual(before);

    // What was there before can be had again, but latest still means the backup.
    expect((await cli.run(['cat', value.safetyBackup!, 'data.bin'])).text).toBe('spoilt');
    expect((await cli.json(['show', 'latest'])).value.id).toBe(id);
    expect((await cli.json(['list'])).value.backups.map(({ safety }) => safety)).toEqual([true, false]);
  });

  it('brings back single paths, without a safety backup when told so', async () => {
    await firstBackup();
    rmSync(join(cli.workspace, 'custom'), { recursive: true });
    rmSync(join(cli.workspace, 'data.bin'));
    const { value } = await cli.json([
      'restore',
      'latest',
      'custom/a.php',
      '--no-safety-backup',
      '--no-databases',
    ]);
    expect(value).toMatchObject({ plan: { create: 1 }, safetyBackup: null });
    expect(Object.keys(snapshotTree(cli.workspace)).filter((path) => !path.startsWith('.'))).toEqual([
      'custom',
      'custom/a.php',
      'empty',
      'go',
    ]);
    expect((await cli.run(['restore', 'latest', 'nothing'])).code).toBe(1);
  });

  it('lays a backup out elsewhere, without a workspace when the vault is named', async () => {
    await firstBackup();
    const { vault } = (await cli.json(['init'])).value;
    const before = snapshotTree(cli.workspace);
    const elsewhere = { cwd: cli.scratch };
    const { code, value } = await cli.json(['restore', 'latest', '--vault', vault, '--to', 'out'], elsewhere);
    expect([code, value.safetyBackup]).toEqual([0, null]);
    expect(snapshotTree(join(cli.scratch, 'out/files/workspace'))).toEqual(before);
    expect((await cli.run(['restore', 'latest', '--vault', vault], elsewhere)).code).toBe(10);

    writeFileSync(join(cli.scratch, 'out/files/workspace/data.bin'), 'mine');
    const again = ['restore', 'latest', '--vault', vault, '--to', 'out'];
    expect((await cli.run(again, elsewhere)).code).toBe(1);
    expect((await cli.run([...again, '--overwrite'], elsewhere)).code).toBe(0);
    expect(snapshotTree(join(cli.scratch, 'out/files/workspace'))).toEqual(before);
  });
});

describe('pin, label, forget and prune', () => {
  it('change what is kept of a backup', async () => {
    const first = await firstBackup();
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
    const first = await firstBackup();
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

describe('verify and repair', () => {
  it('find damage, name who is affected, and mend the rest', async () => {
    writeFileSync(join(cli.workspace, 'precious'), noiseOf(1, 200_000));
    writeFileSync(join(cli.workspace, 'other'), noiseOf(2, 200_000));
    await cli.must(['init', '--yes']);
    const { vault } = (await cli.json(['init'])).value;
    const { id } = (await cli.json(['backup'])).value;
    const well = { checked: { packs: aNumber, chunks: aNumber, bytes: aNumber, backups: 1 }, damage: [] };
    expect(await cli.json(['verify'])).toEqual({ code: 0, value: { level: 'quick', ...well } });
    expect((await cli.json(['list'])).value.backups).toMatchObject([{ verifiedAt: null }]);
    expect(await cli.json(['verify', 'latest', '--level', 'data'])).toEqual({
      code: 0,
      value: { level: 'data', ...well },
    });
    expect((await cli.json(['verify', '--sample', '10%'])).value).toMatchObject({
      level: 'data',
      damage: [],
    });
    expect((await cli.json(['list'])).value.backups).toMatchObject([{ verifiedAt: aTime }]);
    expect((await cli.json(['repair'])).value).toMatchObject({ damage: [], backups: [] });

    // The largest pack holds the files; a byte in its middle belongs to one of them.
    const packs = readdirSync(join(vault, 'packs'), { recursive: true, encoding: 'utf8' })
      .map((name) => join(vault, 'packs', name))
      .filter((file) => file.endsWith('.pack'))
      .sort((a, b) => statSync(b).size - statSync(a).size);
    const [pack = ''] = packs;
    const bytes = readFileSync(pack);
    bytes[1000] = bytes[1000]! ^ 1;
    writeFileSync(pack, bytes);
    const { code, value } = await cli.json(['verify', '--level', 'data']);
    expect(code).toBe(4);
    expect(value.damage).toMatchObject([{ pack: basename(pack, '.pack'), backups: [id] }]);
    expect(value.damage[0]!.paths.length).toBeGreaterThan(0);
    const text = (await cli.run(['verify', '--level', 'data'])).text;
    for (const path of value.damage[0]!.paths) expect(text).toContain(path);

    const tried = await cli.json(['repair', '--dry-run']);
    const mended = await cli.json(['repair']);
    expect([tried.code, mended.code]).toEqual([4, 4]);
    expect(mended.value).toMatchObject({ backups: [{ id, paths: value.damage[0]!.paths }] });
    expect((await cli.json(['list'])).value.backups).toMatchObject([
      { lostPaths: value.damage[0]!.paths.length },
    ]);
    await cli.must(['backup']);
    expect((await cli.run(['cat', 'latest', 'precious'])).stdout).toEqual(noiseOf(1, 200_000));
    expect((await cli.run(['cat', 'latest', 'other'])).stdout).toEqual(noiseOf(2, 200_000));
  });

  it('want a level and a share that make sense', async () => {
    await firstBackup();
    for (const args of [
      ['--level', 'deep'],
      ['--sample', '0'],
      ['--sample', 'some'],
      ['--sample', '101%'],
    ]) {
      expect((await cli.run(['verify', ...args])).code).toBe(2);
    }
  });
});

describe('key', () => {
  it('adds a recovery key and a passphrase, each of which opens the vault', async () => {
    await firstBackup();
    const file = join(cli.scratch, 'recovery.key');
    expect((await cli.json(['key', 'recovery', '--out', file])).value).toEqual({ file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const shown = await cli.run(['key', 'recovery']);
    writeFileSync(join(cli.scratch, 'shown.key'), shown.stdout);
    const passphrase = 'correct horse battery';
    expect((await cli.run(['key', 'passphrase'], { input: `${passphrase}\n` })).code).toBe(0);

    rmSync(join(cli.home, 'keys'), { recursive: true });
    expect((await cli.run(['list'])).code).toBe(12);
    await cli.must(['list', '--key-file', file], ['list', '--key-file', join(cli.scratch, 'shown.key')]);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_KEY_FILE: file } })).code).toBe(0);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_PASSPHRASE: passphrase } })).code).toBe(0);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_PASSPHRASE: 'wrong' } })).code).toBe(12);
  });
});

describe('doctor', () => {
  it('prints its checks and fails when one does', async () => {
    await firstBackup();
    const well = await cli.json(['doctor']);
    expect(well.code).toBe(0);
    expect(well.value).toMatchObject({
      checks: expect.arrayContaining([
        { name: 'vault', status: 'ok', detail: expect.any(String) as string, hint: null },
        { name: 'key', status: 'ok', detail: expect.any(String) as string, hint: null },
      ]) as object,
    });
    rmSync(join(cli.home, 'vaults'), { recursive: true });
    expect((await cli.run(['doctor'])).code).toBe(1);
  });
});
