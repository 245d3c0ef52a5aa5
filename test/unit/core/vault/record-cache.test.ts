import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordName } from '../../../../src/core/vault/record.ts';
import type { Vault } from '../../../../src/core/vault/vault.ts';
import { addBackups } from '../../../build/many-backups.ts';
import { temporaryFolder } from '../../../build/tree.ts';
import { buildVault, storeBackup } from '../../../build/vault.ts';

const BACKUPS = 80;
const WRITTEN_S = 1_790_000_000;

/** A vault with many backups, and another that is opened with what the first look has left in a file. */
async function openCached() {
  const parts = new AsyncDisposableStack();
  const built = parts.use(await buildVault());
  const folder = parts.use(temporaryFolder());
  await storeBackup(built.vault, { 'a.txt': 'content' }, { set: 'confidential', label: 'a secret label' });
  await addBackups(built.vault, 'confidential', BACKUPS - 1, 1);
  const objects = join(built.directory, 'backups');
  for (const name of readdirSync(objects)) utimesSync(join(objects, name), WRITTEN_S, WRITTEN_S);
  const file = join(folder.path, 'records', built.vault.id);
  const open = async (): Promise<Vault> => {
    const vault = await built.reopen();
    vault.cacheRecordsIn(file);
    return vault;
  };
  const { records } = await (await open()).records();
  return {
    ...{ built, file, open, records },
    [Symbol.asyncDispose]: async () => parts.disposeAsync(),
  };
}

test('records that were read once are the same when they are read from the cache', async () => {
  await using cached = await openCached();
  const again = await cached.open();
  expect(statSync(cached.file).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600);
  expect((await again.records()).records).toEqual(cached.records);
  expect((await cached.built.vault.records()).records).toEqual(cached.records);
  expect(cached.records).toHaveLength(BACKUPS);
});

test('the cache tells nobody without the key what is in it', async () => {
  await using cached = await openCached();
  const text = readFileSync(cached.file).toString('latin1');
  expect(text).not.toMatch(/confidential|secret label|incremental/);
  await using stranger = await buildVault();
  stranger.vault.cacheRecordsIn(cached.file);
  expect((await stranger.vault.records()).records).toEqual([]);
});

test('a cache that is damaged or cut off is made anew', async () => {
  await using cached = await openCached();
  const sealed = readFileSync(cached.file);
  sealed[sealed.length >> 1]! ^= 1;
  writeFileSync(cached.file, sealed);
  expect((await (await cached.open()).records()).records).toEqual(cached.records);
  truncateSync(cached.file, 7);
  expect((await (await cached.open()).records()).records).toEqual(cached.records);
  expect(readdirSync(join(cached.file, '..'))).toHaveLength(1);
  expect(statSync(cached.file).size).toBeGreaterThan(sealed.length / 2);
});

test('backups that have gone or come, and what is noted on them, are told in spite of the cache', async () => {
  await using cached = await openCached();
  const [newest, second] = cached.records;
  await cached.built.vault.forget(second!.id);
  await cached.built.vault.note({ backup: newest!.id, pinned: true });
  await addBackups(cached.built.vault, 'confidential', 1, 3_600_000);
  const { records } = await (await cached.open()).records();
  expect(records).toHaveLength(BACKUPS);
  expect(records.map(({ id }) => id)).not.toContain(second!.id);
  expect(records[0]).toMatchObject({ id: newest!.id, pinned: true });
});

test('a record that is damaged is found: by any look when its object looks different, and always by one at the vault itself', async () => {
  await using cached = await openCached();
  const { id } = cached.records[3]!;
  const object = join(cached.built.directory, recordName(id));
  const bytes = readFileSync(object);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(object, bytes);
  utimesSync(object, WRITTEN_S, WRITTEN_S);
  expect((await (await cached.open()).records({ fromVault: true })).damaged).toMatchObject([{ id }]);
  utimesSync(object, WRITTEN_S, WRITTEN_S + 1);
  expect((await (await cached.open()).records()).damaged).toMatchObject([{ id }]);
});
