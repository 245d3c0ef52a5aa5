import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackupDatabase } from './backup/databases.ts';
import { engineAt } from './database/engines.ts';
import { CrmBackupError } from './errors.ts';
import { oneSpelling } from './real-folder.ts';
import { type HalfWay, restoresHalfWay } from './restore/journals.ts';
import { LocalStorage } from './storage/local.ts';
import { type Task, throwIfCancelled } from './task.ts';
import { VaultError } from './vault/error.ts';
import { lockForReading, type LockKind, type LockOptions, lockVault, type VaultLock } from './vault/lock.ts';
import { commonTo } from './vault/lock-over.ts';

/** Live folders and databases are in use by somebody who must not be met. */
export class InUseError extends CrmBackupError<'locked'> {}

/** What is live: folders with what is below them, and databases, the latter perhaps elsewhere on their servers. */
export interface Live {
  /** Absolute. */
  readonly folders: readonly string[];
  readonly databases: readonly {
    readonly database: BackupDatabase;
    /** As a restore takes it. */
    readonly target?: string | undefined;
  }[];
}

const WAIT_MS = 10_000;
const RETRY_MS = 200;
const SWEEP_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * The names of what is live, one for whatever spelling; see `Over`. A database whose address cannot be found has none.
 */
export async function overLive({ folders, databases }: Live): Promise<string[]> {
  const over = folders.map(oneSpelling);
  for (const { database, target } of databases) {
    try {
      const address = await database.address();
      over.push((await engineAt(address)).liveName(address, target));
    } catch (error) {
      // Who works on it will say what is wrong with it.
      if (!(error instanceof CrmBackupError)) throw error;
    }
  }
  return over;
}

/**
 * Locks what is live among all that this user's processes do on this machine, in whatever vault: `exclusive` to change
 * it, `shared` to read it as one state, or to change it in one step. Waits a little for others.
 * @param home the folder with everything the tool keeps for its user
 * @param over what {@link overLive} gives
 * @throws {InUseError}, {StorageError}, {CancelledError}
 */
export async function lockLive(
  home: string,
  over: readonly string[],
  kind: LockKind,
  purpose: string,
  task: Task,
): Promise<VaultLock> {
  const storage = new LocalStorage(join(home, 'live'), { isPassing: true });
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const lock = await take(storage, kind, { purpose, over, waitMs: until - Date.now() }, task);
    // One that is brought to its end after it was interrupted holds no lock, nor one that has slept too long.
    const at = halfWayAt(home, over).find(({ isAtWork }) => isAtWork);
    if (at === undefined) return lock;
    await lock[Symbol.asyncDispose]();
    throwIfCancelled(task);
    if (Date.now() >= until) {
      const what = commonTo(over, at.over)!;
      throw new InUseError('locked', `${what} is in use: a restore is under way there (${at.journal}).`, {
        hint: 'Wait until it is done, then try again. One that was killed elsewhere counts as interrupted after 15 minutes.',
      });
    }
    await delay(RETRY_MS);
  }
}

/** Whether a restore of some of this was interrupted in the middle of its switch, and nobody brings it to its end. */
export function hasInterrupted(home: string, over: readonly string[]): boolean {
  return halfWayAt(home, over).some(({ isAtWork }) => !isAtWork);
}

function halfWayAt(home: string, over: readonly string[]): HalfWay[] {
  return restoresHalfWay(home).filter((each) => commonTo(over, each.over) !== undefined);
}

async function take(
  storage: LocalStorage,
  kind: LockKind,
  options: LockOptions,
  task: Task,
): Promise<VaultLock> {
  try {
    if (kind === 'shared') return await lockForReading(storage, options, task);
    await storage.sweep(SWEEP_AGE_MS);
    return await lockVault(storage, kind, options, task);
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'locked') throw error;
    throw new InUseError('locked', error.message, { hint: error.hint ?? '', cause: error });
  }
}
