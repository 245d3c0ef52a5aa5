import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { globTest } from '../../../src/core/glob.ts';
import { findPaths, pathVersions } from '../../../src/core/search.ts';
import type { BackupRecord } from '../../../src/core/vault/record.ts';
import { buildVault, type BuiltVault, type Content, storeBackup, unable } from '../../build/vault.ts';

let built: BuiltVault;
beforeEach(async () => {
  built = await buildVault();
});
afterEach(() => built[Symbol.asyncDispose]());

/** Stores contents one after the other; the records, newest first. */
async function store(...contents: readonly Content[]): Promise<BackupRecord[]> {
  const records: BackupRecord[] = [];
  for (const [at, content] of contents.entries()) {
    const createdAt = new Date(Date.UTC(2026, 0, at + 1)).toISOString();
    records.unshift(await storeBackup(built.vault, content, { base: records[0], createdAt }));
  }
  return records;
}

describe('the versions of a path', () => {
  it('are one for each content, with the backup where it came up, newest first', async () => {
    const records = await store(
      { other: 'x' },
      { other: 'x', a: '1' },
      { other: 'y', a: '1' },
      { other: 'y', a: '22' },
      { other: 'z' },
      { other: 'z', a: '1' },
    );
    const versions = await pathVersions(built.vault, records, 'files/workspace/a');
    expect(
      versions.map(({ record, change, entry }) => [record.createdAt.slice(8, 10), change, entry?.size]),
    ).toEqual([
      ['06', 'added', 1],
      ['05', 'deleted', undefined],
      ['04', 'modified', 2],
      ['02', 'added', 1],
    ]);
  });

  it('are not confused with those of a path that begins alike', async () => {
    const records = await store({ 'a/b': '1', ab: '1', 'a.b': '1' }, { 'a/b': '2', ab: '1', 'a.b': '1' });
    expect(await pathVersions(built.vault, records, 'files/workspace/ab')).toHaveLength(1);
    await expect(pathVersions(built.vault, records, 'files/workspace/a')).rejects.toMatchObject({
      code: 'unknown-entry',
    });
    await expect(pathVersions(built.vault, records, 'files/elsewhere/ab')).rejects.toMatchObject({
      code: 'unknown-entry',
    });
  });
});

it('a backup that could not read a path says nothing about its versions', async () => {
  const there = { 'a/x': '1', 'b/y': '1' };
  const records = await store(there, {}, there, {}, { 'a/x': '2', 'b/y': '2' }, {});
  const at = 'files/workspace';
  const newestFirst = records.map((record, number) =>
    number === 0 ? record : number === 2 ? unable(record, `${at}/a`) : unable(record, `${at}/a/x`),
  );
  const told = async (path: string): Promise<string[]> =>
    (await pathVersions(built.vault, newestFirst, path)).map(
      ({ record, change }) => `${record.createdAt.slice(8, 10)} ${change}`,
    );
  expect(await told(`${at}/a/x`)).toEqual(['06 deleted', '05 modified', '01 added']);
  expect(await told(`${at}/b/y`)).toEqual([
    '06 deleted',
    '05 added',
    '04 deleted',
    '03 added',
    '02 deleted',
    '01 added',
  ]);
});

describe('finding paths in all backups', () => {
  it('names the newest and the oldest backup with each', async () => {
    const records = await store(
      { 'a.txt': '1', 'b.php': '1' },
      { 'a.txt': '1', 'c/a.txt': '1' },
      { 'c/a.txt': '2' },
    );
    const matches = await findPaths(built.vault, records, globTest('*.txt'));
    const day = (record: BackupRecord): string => record.createdAt.slice(8, 10);
    expect(matches.map(({ path, newest, oldest }) => [path, day(newest), day(oldest)])).toEqual([
      ['files/workspace/a.txt', '02', '01'],
      ['files/workspace/c/a.txt', '03', '02'],
    ]);
  });

  it('reads a chunk that many backups share once', async () => {
    const many = Object.fromEntries(Array.from({ length: 6000 }, (_, at) => [`d${at % 50}/f${at}`, '']));
    const records = await store(many, { ...many, 'd7/f7': 'x' }, { ...many, 'd7/f7': 'y' });
    const read = vi.spyOn(built.vault.reader, 'readChunk');
    await findPaths(built.vault, records, globTest('f7'));
    const ids = read.mock.calls.map(([id]) => id.toString('hex'));
    const chunks = records[0]!.manifest[0]!.chunks.length / 32;
    expect(new Set(ids).size).toBe(chunks + 2);
    // A chunk that serves as the dictionary of another is read for that, too.
    expect(ids.length).toBeLessThanOrEqual(chunks + 4);
  });
});

it('a backup whose list is lost keeps nobody from searching the others, and is named', async () => {
  const first = await storeBackup(built.vault, { 'a.txt': '1' }, { createdAt: '2026-01-01T00:00:00.000Z' });
  const [lost] = await built.vault.storage.list('packs');
  const second = await storeBackup(built.vault, { 'a.txt': '2' }, { createdAt: '2026-01-02T00:00:00.000Z' });
  await built.vault.storage.remove(lost!.name);
  const vault = await built.reopen();
  const unread: BackupRecord[] = [];
  const add = (record: BackupRecord): void => void unread.push(record);
  const matches = await findPaths(vault, [second, first], globTest('*.txt'), {}, add);
  expect(matches).toMatchObject([{ path: 'files/workspace/a.txt', newest: second, oldest: second }]);
  const versions = await pathVersions(vault, [second, first], 'files/workspace/a.txt', {}, add);
  expect(versions).toMatchObject([{ record: second, change: 'added' }]);
  expect(unread).toEqual([first, first]);
});
