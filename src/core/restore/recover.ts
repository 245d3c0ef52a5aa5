import { join } from 'node:path';
import { CrmBackupError } from '../errors.ts';
import type { SecretSource } from '../surroundings.ts';
import { reopenDatabases } from './database-recovery.ts';
import type { DatabaseSwitcher, JournalDatabase, KeptDatabase } from './database-targets.ts';
import { type RestoreDisk, nodeDisk } from './disk.ts';
import { isSystemError } from './disk-failure.ts';
import { sweepClaims } from './claim.ts';
import {
  headerOf,
  interruptedRestores,
  Journal,
  type JournalHeader,
  namesIn,
  restoresFolder,
  stateOf,
} from './journal.ts';
import { listNames, lookAt } from './live-tree.ts';
import { closeStaging, isStagedBy } from './staging.ts';
import { Switcher } from './switch.ts';
import {
  beingWorkedOn,
  folderAway,
  notInterrupted,
  rollbackFailed,
  stillUnfinished,
  unreadableJournal,
} from './unfinished.ts';

/** A restore that died and what became of it. */
export interface Recovered {
  readonly id: string;
  readonly set: string;
  /** Id of the backup that was restored. */
  readonly backup: string;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly directories: readonly string[];
  /** Databases that were restored with them. */
  readonly databases: readonly JournalDatabase[];
  /** See {@link JournalHeader.over}. */
  readonly over: readonly string[] | undefined;
  /**
   * `finished`: all its files are in place. `undone`: everything is as it was before. `kept`: it was ended with what is
   * live. `waiting`: a folder is not there now. `undecided`: to end it could overwrite what was changed in a database
   * since, so the user is to say how. `failed`: it cannot be ended now, for `reason`. `unreadable`: its journal cannot be
   * read, so nothing else of it is known. After the last four it stays.
   */
  readonly outcome: 'finished' | 'undone' | 'kept' | 'waiting' | 'undecided' | 'failed' | 'unreadable';
  /** Files that were changed since it was interrupted, and were therefore left as they are. */
  readonly spared: readonly string[];
  /** Where what databases were before is kept. */
  readonly kept: readonly KeptDatabase[];
  /** A sentence, and the next step. */
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
  /** The directory of its journal. */
  readonly journal: string;
}

/** What the user wants to become of an interrupted restore: that it is finished or taken back, or that what is live stays. */
export type Decision = 'end' | 'keep';

interface RecoveryOptions {
  readonly secret?: SecretSource | undefined;
  /** Undefined does only what cannot overwrite anything that was changed since. */
  readonly decision?: Decision | undefined;
}

/** What carries out a restore, or takes it back. */
export interface Switchers {
  readonly files: Switcher;
  readonly databases: DatabaseSwitcher;
}

/**
 * Brings restores that were killed to their end, as far as that overwrites nothing that was changed since: files are
 * finished or taken back but for those that were changed; a database is left alone unless it is wholly the old or wholly
 * the restored one, and no restore command is run. To be called at each start. What still runs is left alone. What cannot
 * be ended is told and stops nothing.
 *
 * @param home the folder with all the tool keeps for its user
 * @param secret where secrets come from that the addresses of databases name
 * @param isMeant which restores; all by default
 */
export async function recoverRestores(
  home: string,
  disk: RestoreDisk = nodeDisk(),
  secret?: SecretSource,
  isMeant: (header: JournalHeader) => boolean = () => true,
): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  const all = restoresFolder(home);
  for (const name of namesIn(all)) {
    const directory = join(all, name);
    let header: JournalHeader | undefined;
    try {
      header = headerOf(directory);
      if (header !== undefined && !isMeant(header)) continue;
      const one = await recoverJournal(directory, disk, { secret });
      if (one !== undefined) recovered.push(one);
    } catch (error) {
      if (!(error instanceof CrmBackupError) && !isSystemError(error)) throw error;
      if (header === undefined) {
        if (stateOf(directory) === 'unreadable') recovered.push(unknownAt(name, directory, error));
        continue;
      }
      const { message, hint } =
        error instanceof CrmBackupError ? (error as CrmBackupError) : stillUnfinished(header, error);
      recovered.push({ ...knownOf(header, directory), outcome: 'failed', reason: message, hint });
    }
  }
  sweepClaims(all);
  return recovered;
}

function unknownAt(id: string, journal: string, cause: unknown): Recovered {
  const { message, hint } = unreadableJournal(journal, cause);
  const nothing = {
    set: '',
    backup: '',
    startedAt: '',
    directories: [],
    databases: [],
    over: [],
    spared: [],
    kept: [],
  };
  return { ...nothing, id, journal, outcome: 'unreadable', reason: message, hint };
}

/**
 * Ends one interrupted restore as the user wants it. `end` may run a restore command and overwrites what was changed in
 * its databases since; `keep` overwrites nothing and keeps what they were before.
 * @throws {RestoreError} `not-interrupted`, `unfinished-restore`, `rollback-failed`; {DatabaseError}
 */
export async function endRestore(
  home: string,
  id: string,
  decision: Decision,
  secret?: SecretSource,
  disk: RestoreDisk = nodeDisk(),
): Promise<Recovered> {
  const found = interruptedRestores(home).find((one) => one.id === id);
  const ended = found && (await recoverJournal(found.journal, disk, { secret, decision }));
  if (ended?.outcome === 'waiting') throw folderAway(found!);
  if (ended !== undefined) return ended;
  if (stateOf(join(restoresFolder(home), id)) === 'at-work') throw beingWorkedOn(id);
  throw notInterrupted(id);
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
  journal.settleUndo(true);
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
    if (!areRootsThere(journal)) throw stillUnfinished(journal.header, cause);
    journal.enter('rolling-back');
    await switchers.databases.backward();
    await switchers.files.backward();
    journal.enter('rolled-back');
    await discard(journal, disk, switchers);
  } catch (error) {
    throw rollbackFailed(journal.header, cause, error);
  }
}

/**
 * Brings one restore that died to its end; undefined when it had not begun, or is not dead.
 * @throws {RestoreError} `unfinished-restore`, `rollback-failed`; {DatabaseError}
 */
export async function recoverJournal(
  directory: string,
  disk: RestoreDisk,
  { secret, decision }: RecoveryOptions,
): Promise<Recovered | undefined> {
  using journal = takeOver(directory, disk);
  if (journal === undefined) return undefined;
  const { header, phase } = journal;
  const { roots, databases = [], set } = header;
  const isMoving = phase === 'switching' || phase === 'rolling-back';
  const isSwitching = isMoving || phase === 'keeping';
  const known = knownOf(header, directory);
  if (isMoving && !areRootsThere(journal)) return { ...known, outcome: 'waiting' };
  const all = journal.readSwitch();
  await using reopened = await reopenDatabases(databases, set, secret);
  // What only has to be cleared away can wait.
  if (reopened.failure !== undefined && header.isDrill === true) return undefined;
  if (isSwitching && reopened.failure !== undefined) throw stillUnfinished(header, reopened.failure);
  const files = new Switcher(disk, roots, all, journal.directory, new Date(header.startedAt));
  const switchers = { files, databases: reopened.switcher };
  try {
    const isToBeKept = phase === 'keeping' || (isSwitching && decision === 'keep');
    if (isToBeKept) {
      const kept = await keep(journal, disk, switchers);
      return { ...known, outcome: 'kept', kept, spared: files.spared };
    }
    // A drill has nothing that somebody works with.
    const mayOverwrite = decision === 'end' || header.isDrill === true;
    const outcome = await complete(journal, disk, switchers, mayOverwrite);
    return { ...known, outcome, spared: files.spared };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw stillUnfinished(header, error);
  }
}

function takeOver(directory: string, disk: RestoreDisk): Journal | undefined {
  try {
    return Journal.takeOver(disk, directory);
  } catch (error) {
    const header = isSystemError(error) ? headerOf(directory) : undefined;
    throw header === undefined ? error : stillUnfinished(header, error);
  }
}

function knownOf(
  { id, set, backup, startedAt, roots, databases = [], over }: JournalHeader,
  journal: string,
): Omit<Recovered, 'outcome'> {
  const directories = roots.map((root) => root.directory);
  return { id, set, backup, startedAt, directories, databases, over, journal, spared: [], kept: [] };
}

async function complete(
  journal: Journal,
  disk: RestoreDisk,
  switchers: Switchers,
  mayOverwrite: boolean,
): Promise<'finished' | 'undone' | 'undecided'> {
  switch (journal.phase) {
    case 'planned':
    case 'rolled-back':
      await discard(journal, disk, switchers);
      return 'undone';
    case 'switching': {
      const live = mayOverwrite ? undefined : await switchers.databases.whichIsLive();
      if (live === 'unsure') return 'undecided';
      if (live === 'old') {
        await takeBack(journal, disk, switchers, undefined);
        return 'undone';
      }
      try {
        await switchers.files.forward(true);
        await switchers.databases.forward();
        journal.enter('switched');
      } catch (error) {
        if (live === 'new') throw error;
        await takeBack(journal, disk, switchers, error);
        return 'undone';
      }
      await finish(journal, disk, switchers);
      return 'finished';
    }
    case 'rolling-back': {
      const live = mayOverwrite ? undefined : await switchers.databases.whichIsLive();
      if (live === 'unsure' || live === 'new') return 'undecided';
      await takeBack(journal, disk, switchers, undefined);
      return 'undone';
    }
    case 'switched':
    case 'keeping':
      await finish(journal, disk, switchers);
      return 'finished';
  }
}

/** Ends a restore with the databases that are live, and the files that belong to them. */
async function keep(
  journal: Journal,
  disk: RestoreDisk,
  { files, databases }: Switchers,
): Promise<readonly KeptDatabase[]> {
  if (journal.phase !== 'keeping') {
    const isOld = (await databases.whichIsLive()) === 'old';
    await (isOld ? files.backward() : files.forward(true));
    journal.enter('keeping');
  }
  const kept = await databases.keepLive();
  journal.settleUndo(false);
  const { roots, id } = journal.header;
  for (const { directory } of roots) closeStaging(disk, directory, id);
  journal.remove();
  return kept;
}

/** Whether each folder holds what a switch that has begun moves in and away: not one that is unmounted or was moved. */
function areRootsThere({ header: { roots, id } }: Journal): boolean {
  return roots.every(({ directory }) => isStagedBy(directory, id));
}
