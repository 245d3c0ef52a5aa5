import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { engineAt } from '../../../../src/core/database/engines.ts';
import { restore, undoRestore } from '../../../../src/core/restore/restore.ts';
import { type ByteRange, type Storage } from '../../../../src/core/storage/storage.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { rowsOf, withSqlite } from '../../../build/database-sqlite.ts';
import { damagePacks } from '../../../build/damage.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { type Restorable, restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { treeOf } from '../../../build/tree.ts';

beforeAll(async () => {
  await engineAt({ name: 'crm', url: 'sqlite:crm.db', workspace: '/nowhere' });
});

/** A folder with a database, a backup of it, a day of work, and a second backup of that. */
async function dayOfWork() {
  const place = await restorable(
    treeOf({ 'same.bin': noiseOf(1, 200_000), 'a.txt': 'old', 'b.bin': noiseOf(2, 90_000) }),
  );
  const address = { name: 'crm', url: 'sqlite:crm.db', workspace: place.scratch };
  const set = { ...place.set, databases: [{ name: 'crm', address: async () => Promise.resolve(address) }] };
  const sql = (text: string): void => {
    withSqlite(join(place.scratch, 'crm.db'), (database) => database.exec(text));
  };
  sql(`CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT);
    WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 3000)
    INSERT INTO contact SELECT id, hex(id * 7919 % 65537) FROM n`);
  const first = await backUp(place.vault, set, { kind: 'full' });
  sql("UPDATE contact SET name = 'the day of work' WHERE id % 3 = 0");
  writeFileSync(join(place.root, 'a.txt'), 'the day of work');
  for (let at = 0; at < 30; at++)
    writeFileSync(join(place.root, `new-${String(at)}.bin`), noiseOf(at, 20_000));
  writeFileSync(join(place.root, 'b.bin'), Buffer.concat([noiseOf(2, 90_000), noiseOf(3, 90_000)]));
  const before = new Set((await place.vault.index()).packs.map(({ id }) => id));
  await backUp(place.vault, set, { kind: 'incremental' });
  return { place, set, first, isOfSecond: (id: string): boolean => !before.has(id) };
}

function stateOf({ root, scratch }: Restorable) {
  const rows = withSqlite(join(scratch, 'crm.db'), (database) => rowsOf(database, 'contact'));
  return { rows, files: snapshotTree(root) };
}

describe('The safety backup of a restore', () => {
  it.each([
    { paths: [], isKnown: true },
    { paths: [], isKnown: false },
    { paths: ['databases/crm'], isKnown: true },
    { paths: ['databases/crm'], isKnown: false },
    { paths: ['files/workspace'], isKnown: false },
  ])(
    'gives back what it protects, whatever of it was damaged in the vault: $paths, known $isKnown',
    async ({ paths, isKnown }) => {
      const { place, set, first, isOfSecond } = await dayOfWork();
      await using _place = place;
      await damagePacks(await place.reopen(), isOfSecond);
      if (isKnown) await verify(await place.reopen(), { level: 'data' });
      const { home } = place;
      const before = stateOf(place);
      const vault = await place.reopen();
      const report = await restore(vault, first, { home, set, paths, delete: true });
      expect(stateOf(place)).not.toEqual(before);
      const { records } = await (await place.reopen()).records();
      const safeties = records.filter(({ safety }) => safety);
      expect(safeties.map(({ id }) => id)).toEqual([report.safetyBackup]);
      const { damage } = await verify(await place.reopen(), { level: 'data', record: safeties[0]! });
      if (paths.length === 0) expect(damage).toEqual([]);
      await undoRestore(await place.reopen(), set, { home });
      expect(stateOf(place)).toEqual(before);
    },
  );

  it('is refused where what it stores cannot be read back, and then nothing is changed', async () => {
    const { place, set, first } = await dayOfWork();
    await using _place = place;
    const before = stateOf(place);
    const vault = await place.reopen(wornOut(place.vault.storage));
    await expect(restore(vault, first, { home: place.home, set })).rejects.toMatchObject({
      code: 'no-safety-backup',
    });
    expect(stateOf(place)).toEqual(before);
    const { records } = await (await place.reopen()).records();
    expect(records.filter(({ safety }) => safety)).toEqual([]);
  });
});

/** A storage that gives back other bytes of packs from the first record on that is written. */
function wornOut(storage: Storage): Storage {
  let isWornOut = false;
  return new Proxy(storage, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown;
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...all: unknown[]) => unknown;
      if (key === 'write')
        return (name: string, ...rest: unknown[]) => {
          isWornOut ||= name.startsWith('backups/');
          return call(name, ...rest);
        };
      if (key !== 'read') return call;
      return async (name: string, range?: ByteRange) => {
        const bytes = Buffer.from((await call(name, range)) as Buffer);
        if (isWornOut && name.startsWith('packs/')) bytes[bytes.length >> 1]! ^= 1;
        return bytes;
      };
    },
  });
}
