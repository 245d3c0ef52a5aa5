import { chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { snapshotTree } from '../../build/snapshot-tree.ts';
import { aNumber, anId, aTime, fill, firstBackup } from '../../build/first-backup.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

const cli = await useCli();

describe('restore', () => {
  it('brings everything back in place, after a safety backup', async () => {
    fill(cli);
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

    const twice = await cli.run(['restore', 'latest', '--database', 'a=one', '--database', 'a=other']);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toContain('“a” can go to one place only');

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
    await firstBackup(cli);
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
    await firstBackup(cli);
    const { vault } = (await cli.json(['init'])).value;
    const before = snapshotTree(cli.workspace);
    const elsewhere = { cwd: cli.scratch };
    const { code, value } = await cli.json(['restore', 'latest', '--vault', vault, '--to', 'out'], elsewhere);
    expect([code, value.safetyBackup]).toEqual([0, null]);
    expect(snapshotTree(join(cli.scratch, 'out/files/workspace'))).toEqual(before);
    expect((await cli.run(['restore', 'latest', '--vault', vault], elsewhere)).code).toBe(10);

    writeFileSync(join(cli.scratch, 'out/files/workspace/data.bin'), 'mine');
    const again = ['restore', 'latest', '--vault', vault, '--to', 'out'];
    const dry = await cli.run([...again, '--dry-run'], elsewhere);
    expect([dry.code, (await cli.run(again, elsewhere)).code]).toEqual([1, 1]);
    expect(dry.stderr).toContain('--overwrite');
    expect((await cli.run([...again, '--overwrite'], elsewhere)).code).toBe(0);
    expect(snapshotTree(join(cli.scratch, 'out/files/workspace'))).toEqual(before);
  });
});

describe('what a restore tells before', () => {
  it('is what a partial backup lacks of what is meant', async () => {
    makeTree(cli.workspace, treeOf({ 'data/a': 'one', 'data/b': 'two' }));
    cli.writeSets({ name: 'crm', files: [{ root: 'data' }, { name: 'gone', root: 'gone' }] });
    await cli.run(['init', '--yes']);
    expect((await cli.run(['backup'])).code).toBe(3);
    const lacks = 'This backup is partial: 1 entry is missing or in doubt, the first: files/gone: ';
    const out = ['--to', join(cli.scratch, 'out')];
    for (const args of [[], ['--dry-run'], ['--no-databases'], out, ['--quiet'], ['files/gone', '--dry-run']])
      expect((await cli.run(['restore', 'latest', ...args])).stderr).toContain(lacks);
    const { code, stderr } = await cli.run(['restore', 'latest', 'data/a']);
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('a reference that counts from the latest', () => {
  it('tells of records that cannot be read, and is not restored in place', async () => {
    const older = await firstBackup(cli);
    writeFileSync(join(cli.workspace, 'data.bin'), 'newer');
    const newest = (await cli.json(['backup'])).value.id;
    const { vault } = (await cli.json(['init'])).value;
    flipByte(join(vault, 'backups', newest));
    rmSync(join(cli.cache, 'records'), { recursive: true, force: true });
    const told = `1 backup cannot be read (${newest.slice(0, 8)}); “latest” is the newest that can.`;
    for (const args of [
      ['show', 'latest'],
      ['cat', 'latest', 'data.bin'],
      ['diff', 'latest', 'latest'],
      ['restore', 'latest', '--to', join(cli.scratch, 'out')],
      ['forget', 'latest-full', '--dry-run'],
    ]) {
      const { code, stderr } = await cli.run(args);
      expect([code, stderr.split(told)]).toMatchObject([0, { length: 2 }]);
    }
    for (const args of [[], ['--dry-run']]) {
      const { code, value } = await cli.json(['restore', 'latest', ...args]);
      expect([code, value.error]).toMatchObject([
        4,
        { code: 'damaged', hint: expect.stringContaining(older.slice(0, 8)) as string },
      ]);
    }
    expect(readFileSync(join(cli.workspace, 'data.bin'), 'utf8')).toBe('newer');
    const { code, stderr } = await cli.run(['restore', older]);
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('verify and repair', () => {
  it('find damage, name who is affected, and mend the rest', async () => {
    writeFileSync(join(cli.workspace, 'precious'), noiseOf(1, 200_000));
    writeFileSync(join(cli.workspace, 'other'), noiseOf(2, 200_000));
    await cli.must(['init', '--yes']);
    const { vault } = (await cli.json(['init'])).value;
    const { id } = (await cli.json(['backup'])).value;
    const checked = { packs: aNumber, chunks: aNumber, bytes: aNumber, backups: 1 };
    const well = { checked, damage: [], known: [], notices: [] };
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
    const noted = { verifiedAt: null, damagedAt: aTime };
    expect((await cli.json(['list'])).value.backups).toMatchObject([noted]);
    expect((await cli.run(['list'])).text).toMatch(/ damaged$/m);
    const shown = (await cli.run(['show', 'latest'])).text;
    expect(shown).toMatch(
      /^damaged +found .*“crm-backup verify --level data” tells .*“crm-backup repair” mends/m,
    );
    expect(shown).not.toMatch(/^verified/m);
    const text = (await cli.run(['verify', '--level', 'data'])).text;
    for (const path of value.damage[0]!.paths) expect(text).toContain(path);

    // Who does not read all does not find it, but knows of it.
    const quick = await cli.json(['verify']);
    expect(quick).toMatchObject({
      code: 4,
      value: { damage: [], known: [{ backup: id, damagedAt: aTime }] },
    });
    expect((await cli.run(['verify'])).text).toMatch(
      new RegExp(
        `^No new damage found.*\\nDamage was found before in 1 backup.*\\n  ${id.slice(0, 8)}: found `,
      ),
    );
    expect((await cli.run(['doctor'])).text).toContain('damage was found in 1 of 1 backups');

    const lost = value.damage[0]!.paths.map((path) => path.replace('files/workspace/', ''));
    const whole = ['precious', 'other'].filter((name) => !lost.includes(name));
    for (const name of ['precious', 'other']) writeFileSync(join(cli.workspace, name), 'changed');
    expect((await cli.json(['restore', 'latest', '--no-safety-backup'])).code).toBe(4);
    const rest = await cli.json(['restore', 'latest', '--skip-damaged', '--no-safety-backup']);
    expect(rest).toMatchObject({ code: 3, value: { skipped: lost.length } });
    for (const name of whole) expect(readFileSync(join(cli.workspace, name), 'utf8')).not.toBe('changed');
    const dry = await cli.run(['restore', 'latest', '--skip-damaged', '--dry-run']);
    expect(dry.code).toBe(3);
    for (const name of lost) expect(dry.text).toContain(`files/workspace/${name}: `);
    writeFileSync(join(cli.workspace, 'precious'), noiseOf(1, 200_000));
    writeFileSync(join(cli.workspace, 'other'), noiseOf(2, 200_000));

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

  it('name a backup whose record is damaged as lost', async () => {
    await firstBackup(cli);
    const { vault } = (await cli.json(['init'])).value;
    const { id } = (await cli.json(['backup'])).value;
    truncateSync(join(vault, 'backups', id), 30);
    const told = await cli.json(['repair', '--dry-run']);
    expect(told).toMatchObject({
      code: 4,
      value: { backups: [{ id, createdAt: null, isRecordLost: true }] },
    });
    const { code, text } = await cli.run(['repair']);
    expect(code).toBe(4);
    expect(text).toContain(`${id.slice(0, 8)} is lost as a whole`);
    expect(text).not.toContain('No backup has lost anything');
    expect(text).not.toContain('0 paths');
  });

  it('want a level and a share that make sense', async () => {
    await firstBackup(cli);
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

/** Changes one byte in the middle of a file. */
function flipByte(file: string): void {
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = bytes[middle]! ^ 1;
  writeFileSync(file, bytes);
}
