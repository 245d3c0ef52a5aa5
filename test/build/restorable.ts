import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backUp, type BackupOptions, type BackupSources } from '../../src/core/backup.ts';
import { restore, type RestoreOptions, type RestoreReport } from '../../src/core/restore/restore.ts';
import type { Task } from '../../src/core/task.ts';
import type { BackupRecord } from '../../src/core/vault/record.ts';
import type { Storage } from '../../src/core/storage/storage.ts';
import type { Vault } from '../../src/core/vault/vault.ts';
import { makeTree, temporaryFolder, type Tree } from './tree.ts';
import { buildVault } from './vault.ts';

/** A folder that is backed up, its vault, and a home for journals: `await using place = await restorable(tree)`. */
export interface Restorable extends AsyncDisposable {
  readonly vault: Vault;
  /** The same vault as another process opens it. */
  readonly reopen: (storage?: Storage) => Promise<Vault>;
  /** The folder that is the set's only root, `files/workspace`. */
  readonly root: string;
  readonly home: string;
  /** A folder for whatever else is needed. */
  readonly scratch: string;
  readonly set: BackupSources;
  backUp(options?: Partial<BackupOptions>): Promise<BackupRecord>;
  /** Restores to the original place, without a safety backup unless one is asked for. */
  restore(record: BackupRecord, options?: Partial<RestoreOptions>, task?: Task): Promise<RestoreReport>;
  /** Makes the root anew. */
  fill(tree: Tree): void;
}

/** Makes a folder with a tree in it and a vault for it. `exclude` are patterns of what is left out. */
export async function restorable(tree: Tree, exclude: readonly string[] = []): Promise<Restorable> {
  const folder = temporaryFolder();
  const built = await buildVault();
  const { vault } = built;
  const root = join(folder.path, 'root');
  const home = join(folder.path, 'home');
  const scratch = join(folder.path, 'scratch');
  mkdirSync(scratch);
  const set: BackupSources = {
    name: 'test',
    roots: [
      { name: 'workspace', directory: root, include: [], exclude: [...exclude, '.crm-backup-restore-*'] },
    ],
    databases: [],
  };
  makeTree(root, tree);
  return {
    vault,
    reopen: async (storage) => built.reopen(storage),
    root,
    home,
    scratch,
    set,
    backUp: async (options = {}) => backUp(vault, set, { kind: 'full', ...options }),
    restore: async (record, options = {}, task = {}) =>
      restore(vault, record, { home, set, safetyBackup: false, ...options }, task),
    fill(again) {
      rmSync(root, { recursive: true, force: true });
      makeTree(root, again);
    },
    async [Symbol.asyncDispose]() {
      await built[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
