import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { backUp, type BackupSources } from '../../src/core/backup.ts';
import type { CommandAddress, DatabaseAddress } from '../../src/core/database/engine.ts';
import { restore, type RestoreOptions, type RestoreReport } from '../../src/core/restore/restore.ts';
import type { BackupDatabase } from '../../src/core/backup/databases.ts';
import type { Task } from '../../src/core/task.ts';
import type { Vault } from '../../src/core/vault/vault.ts';
import type { BackupRecord } from '../../src/core/vault/record.ts';
import { temporaryFolder } from './tree.ts';
import { buildVault } from './vault.ts';

/** A workspace whose only database is reached by commands: `await using place = await placeCommand({ dump, restore })`. */
export interface CommandPlace extends AsyncDisposable {
  readonly vault: Vault;
  readonly workspace: string;
  readonly home: string;
  /** A folder for anything else. */
  readonly scratch: string;
  readonly address: DatabaseAddress;
  readonly set: BackupSources;
  backUp(task?: Task, others?: readonly BackupDatabase[]): Promise<BackupRecord>;
  restore(record: BackupRecord, options?: Partial<RestoreOptions>, task?: Task): Promise<RestoreReport>;
  /** The content of an entry of a backup. */
  read(record: BackupRecord, path: string): Promise<Buffer>;
}

/** Makes a workspace with a vault; the database is called `legacy`. Commands are read anew each time. */
export async function placeCommand(command: CommandAddress): Promise<CommandPlace> {
  const folder = temporaryFolder();
  const built = await buildVault();
  const [workspace, home, scratch] = ['workspace', 'home', 'scratch'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  mkdirSync(workspace);
  const { vault } = built;
  const address: DatabaseAddress = { name: 'legacy', url: '', command, workspace };
  const { dump, restore: load, env = {} } = command;
  const source = { name: 'legacy', command: { dump, restore: load, env } };
  const legacy = { name: 'legacy', source, address: async () => Promise.resolve(address) };
  const roots = [{ name: 'workspace', directory: workspace, include: ['files'], exclude: [] }];
  mkdirSync(join(workspace, 'files'));
  const set: BackupSources = { name: 'test', workspace, roots, databases: [legacy] };
  return {
    vault,
    workspace,
    home,
    scratch,
    address,
    set,
    backUp: async (task = {}, others = []) =>
      backUp(vault, { ...set, databases: [legacy, ...others] }, { kind: 'auto' }, task),
    restore: async (record, options = {}, task = {}) =>
      restore(vault, record, { home, set, ...options }, task),
    async read(record, path) {
      for await (const entry of vault.entries(record, path)) {
        const pieces: Buffer[] = [];
        for await (const piece of vault.reader.readContent(entry, await vault.index())) pieces.push(piece);
        return Buffer.concat(pieces);
      }
      throw new Error(`${path} is not in the backup`);
    },
    async [Symbol.asyncDispose]() {
      await built[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
