import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BackupDatabase } from '../../../../src/core/backup/databases.ts';
import { backUp } from '../../../../src/core/backup.ts';
import { compareFiles } from '../../../../src/core/drill/compare-files.ts';
import { Differences } from '../../../../src/core/drill/difference.ts';
import { drill } from '../../../../src/core/drill/drill.ts';
import { urlWith } from '../../../../src/core/drill/scratch-database.ts';
import { readRecoveries } from '../../../../src/core/metrics/recovery-record.ts';
import { randomTree } from '../../../build/random-tree.ts';
import { restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { treeOf } from '../../../build/tree.ts';

const TREE = treeOf({
  'a/b.txt': 'beta',
  'data.bin': Buffer.alloc(300_000, 7),
  'empty/': '',
  go: { link: 'a/b.txt' },
});

describe('a drill', () => {
  it('restores for real, finds everything as it was, touches nothing live and leaves nothing', async () => {
    await using place = await restorable(TREE);
    const record = await place.backUp();
    const live = snapshotTree(place.root);
    const report = await drill(place.vault, record, { home: place.home });
    expect(report).toMatchObject({ backup: record.id, differenceCount: 0, differences: [], notices: [] });
    expect(report.compared).toMatchObject({ bytes: 300_004, databases: 0, tables: 0, rows: 0 });
    expect(report.compared.entries).toBe(6);
    expect(snapshotTree(place.root)).toEqual(live);
    expect(readdirSync(join(place.home, 'drills'))).toEqual([]);
    expect(readRecoveries(place.home, place.vault.id)).toMatchObject([
      {
        kind: 'drill',
        backup: record.id,
        durationMs: report.recoveryTimeMs,
        isWhole: true,
        isGood: true,
        bytes: 300_004,
      },
    ]);
  });

  it('loads a SQLite database into a scratch file and counts its rows', async () => {
    await using place = await restorable(TREE);
    const file = join(place.scratch, 'app.db');
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE u (x)');
    db.exec("INSERT INTO t VALUES (1,'one'),(2,'two'),(3,NULL); INSERT INTO u VALUES (1.5)");
    db.close();
    const address = {
      name: 'app',
      url: `sqlite:${file}`,
      command: undefined,
      tools: undefined,
      workspace: place.scratch,
    };
    const database: BackupDatabase = { name: 'app', address: async () => Promise.resolve(address) };
    const set = { ...place.set, databases: [database] };
    const record = await backUp(place.vault, set, { kind: 'full' });
    const before = readFileSync(file);
    const report = await drill(place.vault, record, { home: place.home, set });
    expect(report).toMatchObject({ differenceCount: 0, compared: { databases: 1, tables: 2, rows: 4 } });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(place.scratch)).toEqual(['app.db']);
    expect(readdirSync(join(place.home, 'restores')).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  it('sees every way in which something can come back wrong', async () => {
    await using place = await restorable(TREE);
    const record = await place.backUp();
    const to = join(place.scratch, 'out');
    await place.restore(record, { to });
    const root = join(to, 'files/workspace');
    const check = async (): Promise<string[]> => {
      const differences = new Differences();
      await compareFiles(place.vault, record, to, differences, {});
      return differences.first.map(({ path }) => path);
    };
    expect(await check()).toEqual([]);
    writeFileSync(join(root, 'a/b.txt'), 'bets');
    writeFileSync(join(root, 'a/new.txt'), '');
    const bytes = readFileSync(join(root, 'data.bin'));
    bytes[299_999] = 8;
    writeFileSync(join(root, 'data.bin'), bytes);
    for (const name of ['a/b.txt', 'data.bin', 'a', 'empty', '']) {
      const { mtime } = statSync(join(place.root, name));
      utimesSync(join(root, name), mtime, mtime);
    }
    rmSync(join(root, 'go'));
    symlinkSync('data.bin', join(root, 'go'));
    expect((await check()).sort()).toEqual(
      [
        'files/workspace/a/b.txt',
        'files/workspace/a/new.txt',
        'files/workspace/data.bin',
        'files/workspace/go',
      ].sort(),
    );
  });

  it('fails with the vault’s own words when content is damaged, notes that, and leaves nothing', async () => {
    await using place = await restorable(TREE);
    const record = await place.backUp();
    const packs = join(place.vault.storage.location, 'packs');
    const [pack = ''] = readdirSync(packs, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.pack'),
    );
    const bytes = readFileSync(join(packs, pack));
    bytes[200] = bytes[200]! ^ 1;
    writeFileSync(join(packs, pack), bytes);
    await expect(drill(place.vault, record, { home: place.home })).rejects.toMatchObject({ code: 'damaged' });
    expect(readdirSync(join(place.home, 'drills'))).toEqual([]);
    expect(readRecoveries(place.home, place.vault.id)).toEqual([]);
    const { records } = await place.vault.records();
    expect(records.find(({ id }) => id === record.id)?.damagedAt).toBeDefined();
  });

  it('clears away what a killed drill has left', async () => {
    await using place = await restorable(TREE);
    const record = await place.backUp();
    const left = join(place.home, 'drills/4194304-dead/files');
    mkdirSync(left, { recursive: true });
    await drill(place.vault, record, { home: place.home });
    expect(existsSync(left)).toBe(false);
  });

  it('leaves alone what another one of the same process is doing', async () => {
    const many = Array.from({ length: 400 }, (_, at) => [`${at}.txt`, String(at)] as const);
    await using place = await restorable(treeOf(Object.fromEntries(many)));
    const record = await place.backUp();
    let other: ReturnType<typeof drill> | undefined;
    const progress = (): void => void (other ??= drill(place.vault, record, { home: place.home }));
    const one = await drill(place.vault, record, { home: place.home }, { progress });
    expect([one.differences, (await other)?.differences]).toEqual([[], []]);
    expect(readdirSync(join(place.home, 'drills'))).toEqual([]);
  });

  it('goes well with whatever a file system holds', async () => {
    await fc.assert(
      fc.asyncProperty(randomTree(), async (tree) => {
        fc.pre(tree.length > 0);
        await using place = await restorable(tree);
        const record = await place.backUp();
        expect((await drill(place.vault, record, { home: place.home })).differences).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the address of a scratch database', () => {
  it.each([
    ['mysql://u:p%2F@h:3306/crm?ssl-mode=required', 'mysql://u:p%2F@h:3306/x?ssl-mode=required'],
    ['postgresql://u@/crm?host=/run/pg&dbname=other', 'postgresql://u@/x?host=/run/pg'],
    ['postgres://u@h?dbname=a&sslmode=require', 'postgres://u@h/x?sslmode=require'],
    ['sqlite:var/app.db', 'sqlite:x'],
  ])('%s', (url, expected) => {
    expect(urlWith(url, 'x')).toBe(expected);
  });
});
