import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../../src/core/backup.ts';
import { drill } from '../../../../src/core/drill/drill.ts';
import { recoverRestores } from '../../../../src/core/restore/recover.ts';
import { restore, undoRestore } from '../../../../src/core/restore/restore.ts';
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

/** Where two roots are, what the first and the second leave out, and what only one of them has. */
const overlapping = [
  ['in each other', 'live', 'live/data', [], []],
  ['in each other, the other way round', 'live/data', 'live', [], []],
  ['in each other, each with files of its own', 'live', 'live/data', ['data/cache'], ['log']],
  ['in each other, the inner one without what is around it', 'live', 'live/some/way/data', ['some/way'], []],
  ['in each other, deep', 'live', 'live/some/way/data', [], ['log']],
  ['in one place', 'live', 'live', ['data'], ['config']],
  ['in one place and with the same files', 'live', 'live', [], ['config']],
] as const;

describe.each(overlapping)('roots that lie %s', (_how, a, b, withoutA, withoutB) => {
  async function overlap() {
    const folder = temporaryFolder();
    const built = await buildVault();
    const at = (path: string): string => join(folder.path, path);
    const own = ['.crm-backup-*'];
    const roots = [
      { name: 'one', directory: at(a), include: [], exclude: [...own, ...withoutA] },
      { name: 'two', directory: at(b), include: [], exclude: [...own, ...withoutB] },
    ];
    const inner = a.length > b.length ? a : b;
    const fill = (): void => {
      for (const path of ['cache/c', 'log/l', 'store/in/s', 'top']) {
        const file = at(`${inner}/${inner === 'live' ? 'data/' : ''}${path}`);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, path);
      }
      mkdirSync(at('live/config'), { recursive: true });
      writeFileSync(at('live/config/c'), 'c');
    };
    fill();
    const set: BackupSources = { name: 'test', roots, databases: [] };
    const record = await backUp(built.vault, set, { kind: 'full' });
    const seen = (): unknown => snapshotTree(at('live'), { times: false });
    return {
      ...built,
      ...{ at, set, record, seen, data: at(inner === 'live' ? 'live/data' : inner), home: at('home') },
      [Symbol.asyncDispose]: async () => {
        await built[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  it('come back whatever is lost or changed there', async () => {
    await using crm = await overlap();
    const { vault, record, set, home, at, data, seen } = crm;
    const before = seen();
    const losses = [
      () => rmSync(data, { recursive: true }),
      () => rmSync(at('live'), { recursive: true }),
      () => rmSync(join(data, 'store'), { recursive: true }),
      () => {
        writeFileSync(join(data, 'top'), 'other');
        writeFileSync(join(data, 'cache/c'), 'other');
        writeFileSync(join(data, 'log/l'), 'other');
        writeFileSync(at('live/config/c'), 'other');
      },
    ];
    for (const lose of losses) {
      lose();
      const { safetyBackup } = await restore(vault, record, { home, set });
      expect(seen()).toEqual(before);
      if (safetyBackup === null) continue;
      await undoRestore(vault, set, { home });
      await restore(vault, record, { home, set });
      expect(seen()).toEqual(before);
    }
    mkdirSync(join(data, 'extra/deep'), { recursive: true });
    writeFileSync(join(data, 'extra/deep/file'), 'x');
    writeFileSync(join(data, 'top'), 'other');
    await restore(vault, record, { home, set, delete: true });
    expect(seen()).toEqual(before);
    expect(readdirSync(join(home, 'restores')).filter((name) => !name.startsWith('last-'))).toEqual([]);
  });

  it('are as before or as in the backup when that is killed', async () => {
    await using crm = await overlap();
    const { vault, record, set, home, at, data, seen } = crm;
    const options = { home, set, safetyBackup: false };
    const after = seen();
    const lose = (): void => {
      rmSync(join(data, 'store'), { recursive: true, force: true });
      writeFileSync(join(data, 'top'), 'other');
    };
    lose();
    const before = seen();
    const { disk, steps } = countingDisk();
    await restore(vault, record, { ...options, disk });
    for (let step = 0; step < steps.length; step += 7) {
      lose();
      await restore(vault, record, { ...options, disk: dyingDisk(step) }).catch(() => undefined);
      await recoverRestores(home);
      expect([before, after]).toContainEqual(seen());
    }
    expect(existsSync(at('live'))).toBe(true);
  });
});
