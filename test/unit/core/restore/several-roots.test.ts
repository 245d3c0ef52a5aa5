import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../../src/core/backup.ts';
import { drill } from '../../../../src/core/drill/drill.ts';
import { recoverRestores } from '../../../../src/core/restore/recover.ts';
import { restore } from '../../../../src/core/restore/restore.ts';
import { countingDisk, dyingDisk, Killed } from '../../../build/faulty-disk.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { temporaryFolder } from '../../../build/tree.ts';
import { buildVault } from '../../../build/vault.ts';

/** Two roots, each with a file; one may be below the other. */
async function several(a: string, b: string) {
  const folder = temporaryFolder();
  const built = await buildVault();
  const at = (path: string): string => join(folder.path, path);
  const roots = [
    { name: 'one', directory: at(a), include: [], exclude: ['.crm-backup-*', 'store'] },
    { name: 'two', directory: at(b), include: [], exclude: ['.crm-backup-*', 'store'] },
  ];
  for (const { directory } of roots) mkdirSync(join(directory, 'deep'), { recursive: true });
  for (const { name, directory } of roots) writeFileSync(join(directory, 'deep', name), name);
  const set: BackupSources = { name: 'test', roots, databases: [] };
  const record = await backUp(built.vault, set, { kind: 'full' });
  return {
    ...built,
    at,
    set,
    record,
    home: at('home'),
    [Symbol.asyncDispose]: async () => {
      await built[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const isDeath = (error: Error): boolean =>
  error instanceof Killed || (error as { code?: string }).code === 'rollback-failed';

const places = [
  ['live/srv/a', 'live/srv/b'],
  ['live/srv', 'live/srv/store'],
  ['live/srv/store/inner', 'live/srv'],
] as const;

describe.each(places)('the roots %s and %s', (a, b) => {
  it('come back where even the folders around them are gone, and go away again when that is killed', async () => {
    await using crm = await several(a, b);
    const { vault, record, set, home, at } = crm;
    const before = snapshotTree(at('live'), { times: false });
    const options = { home, set, safetyBackup: false };
    rmSync(at('live'), { recursive: true });
    const { disk, steps } = countingDisk();
    await restore(vault, record, { ...options, disk });
    expect(snapshotTree(at('live'), { times: false })).toEqual(before);
    for (let step = 0; step < steps.length; step += 3) {
      rmSync(at('live'), { recursive: true, force: true });
      await expect(restore(vault, record, { ...options, disk: dyingDisk(step) })).rejects.toSatisfy(isDeath);
      await recoverRestores(home);
      if (existsSync(at('live'))) expect(snapshotTree(at('live'), { times: false })).toEqual(before);
    }
  });

  it('are laid out in another folder, and stand a drill', async () => {
    await using crm = await several(a, b);
    const { vault, record, home, at } = crm;
    await restore(vault, record, { home, to: at('new/place') });
    for (const [name, directory] of [
      ['one', a],
      ['two', b],
    ] as const) {
      const except = (path: string): boolean => path === 'store';
      expect(snapshotTree(at(`new/place/files/${name}`))).toEqual(snapshotTree(at(directory), { except }));
    }
    expect(readdirSync(at('new/place/files'))).toEqual(['one', 'two']);
    expect(await drill(vault, record, { home })).toMatchObject({ differenceCount: 0 });
  });
});
