import { join } from 'node:path';
import type { LiveContent } from '../database/engine.ts';
import { CrmBackupError } from '../errors.ts';
import type { SecretSource } from '../surroundings.ts';
import { reopenDatabases } from './database-recovery.ts';
import type { DatabaseSwitcher, JournalDatabase, KeptDatabase, LeftDatabase } from './database-targets.ts';
import { type RestoreDisk, nodeDisk } from './disk.ts';
import { isSystemError } from './disk-failure.ts';
import { sweepClaims } from './claim.ts';
import { Journal, restoresFolder } from './journal.ts';
import type { JournalHeader } from './journal-entries.ts';
import { headerOf, interruptedRestores, journalsIn, stateOf, UNENDED } from './journals.ts';
import { keep, leftOf } from './keep.ts';
import { listNames, lookAt } from './live-tree.ts';
import { closeStaging, stateOfRoot } from './staging.ts';
import { Switcher } from './switch.ts';
import {
  beingWorkedOn,
  folderAway,
  notCleared,
  notInterrupted,
  rollbackFailed,
  stagingGone,
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
   * `finished`: all is in place, `undone`: everything is as it was before, but for `spared`. `kept`: it was ended with what
   * is live. `waiting`: a folder is not there now. `undecided`: to end it could overwrite what was changed in a database
   * since, or cannot be done wholly, for `reason`, so the user is to say how. `failed`: it cannot be ended now, for
   * `reason`. `unreadable`: its journal cannot be read, so nothing else of it is known. After the last four it stays. A
   * `reason` of the first two is why something was not cleared away yet.
   */
  readonly outcome: 'finished' | 'undone' | 'kept' | 'waiting' | 'undecided' | 'failed' | 'unreadable';
  /** Files that were changed since it was interrupted, and were therefore left as they are. */
  readonly spared: readonly string[];
  /** Where what databases were before is kept. */
  readonly kept: readonly KeptDatabase[];
  /** Folders that hold, by their paths, files of before that were not put back. */
  readonly keptIn: readonly string[];
  /** What may stand beside databases that could not be reached when it was ended without them. */
  readonly left: readonly LeftDatabase[];
  /** A sentence, and the next step. */
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
  /** The directory of its journal. */
  readonly journal: string;
}

const NOTHING_MORE = { spared: [], kept: [], keptIn: [], left: [] };

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
  for (const name of journalsIn(all)) {
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
  const nothing = { set: '', backup: '', startedAt: '', directories: [], databases: [], over: [] };
  return { ...NOTHING_MORE, ...nothing, id, journal, outcome: 'unreadable', reason: message, hint };
}

/**
 * Ends one interrupted restore as the user wants it. `end` may run a restore command and overwrites what was changed in
 * its databases since; `keep` overwrites nothing, keeps what they and files were before, and needs no database to be there.
 * @throws {RestoreError} `not-interrupted`, `unfinished-restore`, `rollback-failed`; {DatabaseError}
 */
export async function endRestore(
  home: string,
  id: string,
  decision: Decision,
  secret?: SecretSource,
  disk: RestoreDisk = nodeDisk(),
): Promise<Recovered> {
  const found = interruptedRestores(home, UNENDED).find((one) => one.id === id);
  const ended = found && (await recoverJournal(found.journal, disk, { secret, decision }));
  if (ended?.outcome === 'waiting') throw folderAway(found!);
  if (ended !== undefined) return ended;
  if (stateOf(join(restoresFolder(home), id)) === 'at-work') throw beingWorkedOn(id);
  throw notInterrupted(id);
}

/**
 * Clears away what a restore has prepared; its roots and databases are then as they were. Comes back: why something beside
 * a database could not be.
 */
export async function discard(
  journal: Journal,
  disk: RestoreDisk,
  switchers: Switchers,
): Promise<CrmBackupError | undefined> {
  const { roots, id } = journal.header;
  for (const { directory } of roots) closeStaging(disk, directory, id);
  for (const { made } of roots.toReversed()) {
    for (const folder of made.toReversed()) {
      if (lookAt(folder) !== undefined && listNames(folder).length === 0) disk.removeDirectory(folder);
    }
  }
  await switchers.files.markRoots('before');
  return clearDatabases(journal, switchers);
}

/** Ends a restore whose files and databases are all in place; comes back as {@link discard}. */
export async function finish(
  journal: Journal,
  disk: RestoreDisk,
  switchers: Switchers,
): Promise<CrmBackupError | undefined> {
  const { roots, id } = journal.header;
  journal.settleUndo(true);
  for (const { directory } of roots) closeStaging(disk, directory, id);
  await switchers.files.markRoots('after');
  return clearDatabases(journal, switchers);
}

/** Removes what of the databases is not live, then the journal; if that cannot be now, the journal stays for later. */
async function clearDatabases(
  journal: Journal,
  { databases }: Switchers,
): Promise<CrmBackupError | undefined> {
  try {
    await databases.clear();
  } catch (error) {
    if (!(error instanceof CrmBackupError)) throw error;
    if (journal.phase !== 'clearing') journal.enter('clearing');
    return error as CrmBackupError;
  }
  journal.remove();
  return undefined;
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
): Promise<CrmBackupError | undefined> {
  try {
    // A folder that is away has nothing to take back, and would be said to be as before.
    if (journal.header.roots.some((root) => stateOfRoot(root, journal.header.id) === 'away'))
      throw stillUnfinished(journal.header, cause);
    journal.enter('rolling-back');
    await switchers.databases.backward();
    await switchers.files.backward();
    journal.enter('rolled-back');
    return await discard(journal, disk, switchers);
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
  const { roots, databases = [], set, id } = header;
  const known = knownOf(header, directory);
  const isMoving = phase === 'switching' || phase === 'loading' || phase === 'rolling-back';
  const isLeft = phase === 'clearing';
  const isToBeKept = phase === 'keeping' || phase === 'kept' || ((isMoving || isLeft) && decision === 'keep');
  const states = roots.map((root) => stateOfRoot(root, id));
  // Should the folder come back, only the journal knows that what it keeps is not needed any more.
  const isOver = phase === 'switched' || phase === 'rolled-back';
  const mayComeBack = roots.some(({ inode }, root) => inode !== undefined && states[root] === 'away');
  if ((phase === 'kept' && states.includes('away')) || (isOver && mayComeBack)) return undefined;
  if (isMoving && !isToBeKept && states.includes('away')) return { ...known, outcome: 'waiting' };
  if (isMoving && decision === undefined && states.includes('bare')) {
    const bare = known.directories.filter((_, root) => states[root] === 'bare');
    return { ...known, outcome: 'undecided', reason: stagingGone(bare) };
  }
  // To keep what is live, and to clear away, needs no move.
  const all = journal.readSwitch(isMoving && !isToBeKept);
  await using reopened = await reopenDatabases(phase === 'kept' ? [] : databases, set, secret);
  const { failure, lost } = reopened;
  // What only has to be cleared away can wait.
  if (failure !== undefined && header.isDrill === true) return undefined;
  // Files come first: as long as they do, databases are as they were, and need not be there.
  const mustBeReached = isMoving && !isToBeKept && journal.hasBeen('loading');
  if (failure !== undefined && mustBeReached) throw stillUnfinished(header, failure);
  const files = new Switcher(disk, header, all, journal.directory);
  const switchers = { files, databases: reopened.switcher };
  try {
    if (isLeft) {
      const uncleared = await clearDatabases(journal, switchers);
      const outcome = journal.hasBeen('switched') ? 'finished' : 'undone';
      if (decision === undefined) return undefined;
      if (uncleared === undefined) return { ...known, outcome };
      if (decision === 'end') throw notCleared(header, uncleared);
      journal.remove();
      return { ...known, outcome: 'kept', left: await leftOf(lost.length > 0 ? lost : databases) };
    }
    if (isToBeKept) {
      const kept = await keep(journal, disk, switchers, all.isDamaged);
      return { ...known, outcome: 'kept', kept, keptIn: files.keptIn, left: await leftOf(lost) };
    }
    // A drill has nothing that somebody works with.
    const mayOverwrite = decision === 'end' || header.isDrill === true;
    const how = { mayOverwrite, isUnreached: failure !== undefined };
    const [outcome, uncleared] = await complete(journal, disk, switchers, how);
    const { message: reason, hint } = uncleared === undefined ? {} : notCleared(header, uncleared);
    return { ...known, outcome, spared: files.spared, keptIn: files.keptIn, reason, hint };
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
  return { ...NOTHING_MORE, id, set, backup, startedAt, directories, databases, over, journal };
}

interface How {
  readonly mayOverwrite: boolean;
  /** Whether a database cannot be asked; then none was touched. */
  readonly isUnreached: boolean;
}

async function liveOf(
  databases: DatabaseSwitcher,
  { mayOverwrite, isUnreached }: How,
): Promise<LiveContent | undefined> {
  if (isUnreached) return 'old';
  return mayOverwrite ? undefined : databases.whichIsLive();
}

type Completed = readonly [
  outcome: 'finished' | 'undone' | 'undecided',
  uncleared?: CrmBackupError | undefined,
];

async function complete(
  journal: Journal,
  disk: RestoreDisk,
  switchers: Switchers,
  how: How,
): Promise<Completed> {
  const { files, databases } = switchers;
  switch (journal.phase) {
    case 'switching':
    case 'loading': {
      const live = await liveOf(databases, how);
      if (live === 'unsure') return ['undecided'];
      if (live === 'old') return ['undone', await takeBack(journal, disk, switchers, undefined)];
      try {
        await files.forward(true);
        if (journal.header.databases?.length && journal.phase !== 'loading') journal.enter('loading');
        await databases.forward();
        journal.enter('switched');
      } catch (error) {
        if (live === 'new') throw error;
        return ['undone', await takeBack(journal, disk, switchers, error)];
      }
      return ['finished', await finish(journal, disk, switchers)];
    }
    case 'rolling-back': {
      const live = await liveOf(databases, how);
      if (live === 'unsure' || live === 'new') return ['undecided'];
      return ['undone', await takeBack(journal, disk, switchers, undefined)];
    }
    case 'switched':
      return ['finished', await finish(journal, disk, switchers)];
    default:
      return ['undone', await discard(journal, disk, switchers)];
  }
}
