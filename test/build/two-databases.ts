import { join } from 'node:path';
import { expect } from 'vitest';
import { backUp, type BackupSources } from '../../src/core/backup.ts';
import { restore, undoRestore } from '../../src/core/restore/restore.ts';
import { SetError } from '../../src/core/set/error.ts';
import { temporaryFolder } from './tree.ts';
import { buildVault } from './vault.ts';

/** Two databases of one server. */
export interface TwoDatabases {
  /** Their names on the server; each has what the other has not. */
  readonly names: readonly [string, string];
  /** The URL of a database by its name. */
  readonly url: (name: string) => string;
  /** Changes what is in both. */
  readonly change: () => Promise<void>;
  /** What is in a database, as a text. */
  readonly content: (name: string) => Promise<string>;
}

/** Both are restored together: in place and back again, in each other’s place, to new databases, but never both to one. */
export async function expectBothComeBack({ names, url, change, content }: TwoDatabases): Promise<void> {
  await using built = await buildVault();
  await using folder = temporaryFolder();
  const addressOf = (name: string) => ({ name, url: url(name), workspace: '/' });
  const set: BackupSources = {
    name: 'test',
    roots: [],
    databases: names.map((name) => ({ name, address: async () => Promise.resolve(addressOf(name)) })),
  };
  const options = { home: join(folder.path, 'home'), set };
  const both = async (of: readonly string[] = names): Promise<string[]> => Promise.all(of.map(content));
  const before = await both();
  expect(before[0]).not.toEqual(before[1]);
  const record = await backUp(built.vault, set, { kind: 'full' });
  await change();
  const changed = await both();
  await restore(built.vault, record, options);
  expect(await both()).toEqual(before);
  await undoRestore(built.vault, set, options);
  expect(await both()).toEqual(changed);
  const [first, second] = names;
  const swapped = [
    { name: first, target: second },
    { name: second, target: first },
  ];
  const report = await restore(built.vault, record, { ...options, databases: swapped });
  expect(report.safetyBackup).not.toBeNull();
  expect(await both()).toEqual(before.toReversed());
  await undoRestore(built.vault, set, options);
  expect(await both()).toEqual(changed);
  // A password that is missing hides from nobody which database it is.
  const missing = new SetError('missing-variable', 'NONE is not set.');
  const hidden = {
    name: second,
    source: { name: second, url: url(second).replace(/:\/\/[^/]*@/, '://u:${secret:NONE}@') },
    address: async () => Promise.reject(missing),
  };
  const partly = { ...options, set: { ...set, databases: [set.databases[0]!, hidden] }, overwrite: true };
  await expect(
    restore(built.vault, record, { ...partly, databases: [{ name: first, target: second }] }),
  ).rejects.toMatchObject({ code: 'no-safety-backup' });
  expect(await both()).toEqual(changed);
  const copies = names.map((name) => `${name.slice(0, 40)}_${name.slice(-2)}_copy`);
  const databases = names.map((name, at) => ({ name, target: copies[at] }));
  await restore(built.vault, record, { ...options, databases });
  expect(await both(copies)).toEqual(before);
  await expect(restore(built.vault, record, { ...options, databases })).rejects.toMatchObject({
    code: 'target-not-empty',
  });
  const one = names.map((name) => ({ name, target: 'one_for_both' }));
  await expect(restore(built.vault, record, { ...options, databases: one })).rejects.toMatchObject({
    code: 'same-target',
  });
  expect(await both()).toEqual(changed);
}
