import { readdirSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { DatabaseError } from '../database/error.ts';
import { CrmBackupError, systemCode } from '../errors.ts';
import { SetError } from '../set/error.ts';
import type { SecretSource } from '../surroundings.ts';
import { reopenDatabases } from './database-recovery.ts';
import type { DatabaseSwitcher } from './database-targets.ts';
import { type RestoreDisk, nodeDisk } from './disk.ts';
import { isSystemError } from './disk-failure.ts';
import { RestoreError } from './error.ts';
import { hasBegunToSwitch, isAbandonedJournal, Journal, removeUnbegun, restoresFolder } from './journal.ts';
import { listNames, lookAt } from './live-tree.ts';
import { closeStaging, isStagedBy, keepsNothing, leftovers, removeTree, stagingOwner } from './staging.ts';
import { privateStaging, STAGING } from './staging-name.ts';
import { Switcher } from './switch.ts';

/** A restore that died and what became of it. */
export interface Recovered {
  readonly set: string;
  /** Id of the backup that was restored. */
  readonly backup: string;
  readonly startedAt: string;
  readonly directories: readonly string[];
  /**
   * `finished`: all its files are in place. `undone`: everything is as it was before. `waiting`: a folder is not there now,
   * and nothing was done.
   */
  readonly outcome: 'finished' | 'undone' | 'waiting';
  /** The directory of its journal. */
  readonly journal: string;
}

/** What carries out a restore, or takes it back. */
export interface Switchers {
  readonly files: Switcher;
  readonly databases: DatabaseSwitcher;
}

/**
 * Brings every restore that was killed to its end: what had begun to switch is finished, the rest is cleared away. To
 * be called at each start. What still runs is left alone.
 *
 * @param home the folder with all the tool keeps for its user
 * @param secret where secrets come from that the addresses of databases name
 * @throws {RestoreError} `unfinished-restore` or `rollback-failed` when one can neither be finished nor undone now, the
 *   others being dealt with; calling it again goes on.
 */
export async function recoverRestores(
  home: string,
  disk: RestoreDisk = nodeDisk(),
  secret?: SecretSource,
): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  const failures: RestoreError[] = [];
  const all = restoresFolder(home);
  for (const name of namesIn(all)) {
    try {
      const one = await recoverJournal(join(all, name), disk, secret);
      if (one !== undefined) recovered.push(one);
    } catch (error) {
      if (!(error instanceof RestoreError)) throw error;
      failures.push(error);
    }
  }
  if (failures[0] !== undefined) throw failures[0];
  return recovered;
}

/**
 * Makes a root free for a new restore: ends a dead one that was working there. A root says itself whose it was, and it may
 * come from anybody; so only journals of this user's own folder are carried out, which name commands, places and databases.
 * Of others it is only believed that nothing is to be done.
 * @throws {RestoreError} `locked` when one works there now, `unfinished-restore`.
 */
export async function recoverRoot(
  directory: string,
  home: string,
  disk: RestoreDisk = nodeDisk(),
): Promise<void> {
  if (lookAt(directory)?.type !== 'directory') return;
  const owner = stagingOwner(directory);
  if (owner !== undefined) {
    const journal = owner === 'unknown' ? undefined : owner.journal;
    const isAbandoned = journal === undefined ? undefined : isAbandonedJournal(journal);
    if (isAbandoned === false) {
      throw new RestoreError('locked', `Another restore is working in ${directory}.`, {
        hint: 'Wait until it is done, then try again.',
      });
    }
    if (isAbandoned && isOwnJournal(home, journal!)) await recoverJournal(journal!, disk);
    else if (isAbandoned && hasBegunToSwitch(journal!)) throw journalElsewhere(directory, journal!);
    else if (keepsNothing(directory)) removeTree(disk, `${directory}/${STAGING}`);
    else throw journalGone(directory);
  }
  for (const { id, owner: leftBy } of leftovers(directory)) {
    // Without an owner’s name in it, it may just be being made.
    if (leftBy === undefined) continue;
    const isAbandoned = isAbandonedJournal(leftBy.journal);
    if (isAbandoned && isOwnJournal(home, leftBy.journal)) await recoverJournal(leftBy.journal, disk);
    // Under this name nothing is kept that is still needed.
    else if (isAbandoned !== false) removeTree(disk, `${directory}/${privateStaging(id)}`);
  }
}

function isOwnJournal(home: string, journal: string): boolean {
  return isAbsolute(journal) && realPlace(dirname(journal)) === realPlace(restoresFolder(home));
}

function realPlace(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return resolve(folder);
  }
}

/** Clears away what a restore has prepared; its roots and databases are then as they were. */
export async function discard(journal: Journal, disk: RestoreDisk, switchers: Switchers): Promise<void> {
  const { roots, id } = journal.header;
  for (const { directory } of roots) closeStaging(disk, directory, id);
  for (const { made } of roots.toReversed()) {
    for (const folder of made.toReversed()) {
      if (lookAt(folder) !== undefined && listNames(folder).length === 0) disk.removeDirectory(folder);
    }
  }
  await switchers.files.markRoots('before');
  await clearDatabases(journal, switchers);
}

/** Ends a restore whose files and databases are all in place. */
export async function finish(journal: Journal, disk: RestoreDisk, switchers: Switchers): Promise<void> {
  const { roots, id } = journal.header;
  for (const { directory } of roots) closeStaging(disk, directory, id);
  await switchers.files.markRoots('after');
  await clearDatabases(journal, switchers);
}

/** Removes what of the databases is not live, then the journal; if that cannot be now, the journal stays for later. */
async function clearDatabases(journal: Journal, { databases }: Switchers): Promise<void> {
  try {
    await databases.clear();
  } catch (error) {
    if (error instanceof CrmBackupError) return;
    throw error;
  }
  journal.remove();
}

/**
 * Takes back what a switch has done.
 * @param cause why
 * @throws {RestoreError} `rollback-failed`; the next start tries again.
 */
export async function takeBack(
  journal: Journal,
  disk: RestoreDisk,
  switchers: Switchers,
  cause: unknown,
): Promise<void> {
  try {
    // A folder that is away has nothing to take back, and would be said to be as before.
    if (!areRootsThere(journal)) throw stillUnfinished(journal, cause);
    journal.enter('rolling-back');
    await switchers.databases.backward();
    await switchers.files.backward();
    journal.enter('rolled-back');
    await discard(journal, disk, switchers);
  } catch (error) {
    const where = placesOf(journal);
    const why = cause instanceof DatabaseError ? ` ${cause.message}` : '';
    const hint = cause instanceof DatabaseError && cause.hint !== undefined ? ` ${cause.hint}` : '';
    throw new RestoreError(
      'rollback-failed',
      `The restore failed, and what it had done in ${where} could not all be taken back yet.${why}`,
      {
        cause: new AggregateError([cause, error]),
        hint: `Nothing is lost: start any restore again and it will be taken back first.${hint}`,
      },
    );
  }
}

async function recoverJournal(
  directory: string,
  disk: RestoreDisk,
  secret?: SecretSource,
): Promise<Recovered | undefined> {
  using journal = Journal.takeOver(disk, directory);
  if (journal === undefined) {
    removeUnbegun(directory);
    return undefined;
  }
  const { roots, databases = [], set, backup, startedAt } = journal.header;
  const isSwitching = journal.phase === 'switching' || journal.phase === 'rolling-back';
  const directories = roots.map((root) => root.directory);
  const known = { set, backup, startedAt, directories, journal: directory };
  if (isSwitching && !areRootsThere(journal)) return { ...known, outcome: 'waiting' };
  const all = journal.readSwitch();
  await using reopened = await reopenDatabases(databases, set, secret);
  // What only has to be cleared away can wait.
  if (reopened.failure !== undefined && journal.header.isDrill === true) return undefined;
  if (isSwitching && reopened.failure !== undefined) throw stillUnfinished(journal, reopened.failure);
  const switchers = {
    files: new Switcher(disk, roots, all, journal.directory),
    databases: reopened.switcher,
  };
  let outcome: Recovered['outcome'];
  try {
    outcome = await complete(journal, disk, switchers);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw stillUnfinished(journal, error);
  }
  return { ...known, outcome };
}

async function complete(
  journal: Journal,
  disk: RestoreDisk,
  switchers: Switchers,
): Promise<Exclude<Recovered['outcome'], 'waiting'>> {
  switch (journal.phase) {
    case 'planned':
      await discard(journal, disk, switchers);
      return 'undone';
    case 'switching':
      try {
        await switchers.files.forward(true);
        await switchers.databases.forward();
        journal.enter('switched');
      } catch (error) {
        await takeBack(journal, disk, switchers, error);
        return 'undone';
      }
      await finish(journal, disk, switchers);
      return 'finished';
    case 'rolling-back':
      await takeBack(journal, disk, switchers, undefined);
      return 'undone';
    case 'rolled-back':
      await discard(journal, disk, switchers);
      return 'undone';
    case 'switched':
      await finish(journal, disk, switchers);
      return 'finished';
  }
}

/** Whether each folder holds what a switch that has begun moves in and away: not one that is unmounted or was moved. */
function areRootsThere({ header: { roots, id } }: Journal): boolean {
  return roots.every(({ directory }) => isStagedBy(directory, id));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((item) => item.isDirectory())
      .map((item) => item.name);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Where a restore works, for messages. */
function placesOf({ header: { roots, databases = [] } }: Journal): string {
  const names = databases.map(({ name, target }) => `database “${target ?? name}”`);
  return [...roots.map(({ directory }) => directory), ...names].join(', ');
}

function stillUnfinished(journal: Journal, cause: unknown): RestoreError {
  const why = cause instanceof DatabaseError || cause instanceof SetError ? ` ${cause.message}` : '';
  const hint =
    why === ''
      ? 'Check that its disk is there and may be written to, then try again; nothing is lost.'
      : 'Make the database reachable, then try again; nothing is lost.';
  const sentence = `A restore of before in ${placesOf(journal)} could not be ended yet.${why}`;
  return new RestoreError('unfinished-restore', sentence, { cause, hint });
}

function journalGone(directory: string): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `${directory} holds what an unfinished restore moved away, and its journal is gone.`,
    {
      hint: `Look into ${directory}/${STAGING}/old, take back what you need, and remove ${STAGING}.`,
    },
  );
}

function journalElsewhere(directory: string, journal: string): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `${directory} holds a restore that was interrupted half-way, and its journal is not among yours: ${journal}.`,
    {
      hint: `Restore as the user and with the CRM_BACKUP_HOME it was begun with, or remove ${STAGING} when you have looked into it.`,
    },
  );
}
