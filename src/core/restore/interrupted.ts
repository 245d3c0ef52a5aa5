import { backUp, type BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import { type Live, overLive } from '../live-lock.ts';
import { oneSpelling } from '../real-folder.ts';
import { SourceError } from '../source/error.ts';
import type { SecretSource } from '../surroundings.ts';
import type { Task } from '../task.ts';
import type { Vault } from '../vault/vault.ts';
import { placeOf, type SelectedDatabase } from './database-selection.ts';
import type { RestoredDatabase } from './plan-databases.ts';
import { type RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import { timeOf } from './interrupted-sentence.ts';
import type { JournalHeader } from './journal-entries.ts';
import { type InterruptedRestore, interruptedRestores } from './journals.ts';
import { endRestore, type Recovered, recoverRestores } from './recover.ts';

/** What of a restore tells which databases it works on. */
type Working = Pick<JournalHeader, 'databases' | 'over'>;

type LiveSet = Pick<BackupSources, 'workspace'> & { readonly databases?: readonly BackupDatabase[] };

/** What a restore is going to change, and how it deals with others that were interrupted there. */
interface NewRestore {
  readonly home: string;
  /** Folders without links. */
  readonly directories: readonly string[];
  readonly databases: readonly SelectedDatabase[];
  readonly set: BackupSources | undefined;
  readonly safetyBackup: boolean;
  readonly secret: SecretSource | undefined;
  readonly disk: RestoreDisk | undefined;
  readonly onInterrupted: ((found: Recovered, isEndedFirst: boolean) => Promise<void>) | undefined;
}

/**
 * Brings restores that were interrupted to their end before a new one begins: those that worked in its folders and
 * databases whatever that takes, after a backup of these databases as they are; others only as {@link recoverRestores}
 * does.
 * @throws {RestoreError} when one of the former cannot be ended, as `unfinished-restore` where it waits for a folder; {VaultError}, {StorageError}, {CancelledError}
 */
export async function endInterrupted(vault: Vault, next: NewRestore, task: Task): Promise<void> {
  const { home, directories, databases, set, secret, disk, onInterrupted } = next;
  for (const found of await recoverRestores(home, disk, secret)) {
    if (found.outcome === 'waiting' && (await meetsDatabases(databases, set, found))) throw waitsHere(found);
    const isOpen = found.outcome === 'undecided' || found.outcome === 'failed';
    const meets =
      found.directories.some((directory) => directories.includes(directory)) ||
      (isOpen && (await meetsDatabases(databases, set, found)));
    const isEndedFirst = meets && isOpen && interruptedRestores(home).some(({ id }) => id === found.id);
    await onInterrupted?.(found, isEndedFirst);
    if (!isEndedFirst) continue;
    if (set !== undefined && next.safetyBackup) await saveBefore(vault, set, found, task);
    await endRestore(home, found.id, 'end', secret, disk);
  }
}

/** Ended later, it would put back what it knows of the database. */
function waitsHere({ id, startedAt, directories }: Recovered): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `A restore of ${timeOf(startedAt)} was interrupted in this database and waits for ${directories.join(', ')}, which is not there now.`,
    {
      hint: `Nothing was changed. Bring the folder back, or run “crm-backup interrupted ${id} --keep” to end that restore with what is there now.`,
    },
  );
}

/** Whether one of the databases that are to be restored is, where it goes, one that a restore works on. */
async function meetsDatabases(
  selected: readonly SelectedDatabase[],
  set: BackupSources | undefined,
  restore: Working,
): Promise<boolean> {
  for (const one of selected) {
    const place = placeOf(one, set?.databases ?? []);
    if (place !== undefined && (await isWorkedOn(place, set?.workspace, restore))) return true;
  }
  return false;
}

/** Keeps what is live, as far as it can be read: what was changed since may be overwritten. */
async function saveBefore(vault: Vault, set: BackupSources, found: Recovered, task: Task): Promise<void> {
  const concerned: BackupDatabase[] = [];
  for (const database of set.databases)
    if (await isWorkedOn({ database }, set.workspace, found)) concerned.push(database);
  if (concerned.length === 0) return;
  const label = 'Before an interrupted restore is ended';
  try {
    await backUp(vault, { ...set, databases: concerned }, { kind: 'auto', label, safety: true }, task);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
  }
}

/**
 * The databases of a set, with a doubt where a restore was interrupted and has not been ended: what is in them may be
 * half-loaded.
 * @param home the folder with all the tool keeps for its user
 */
export async function withDoubts<Set extends LiveSet & { readonly databases: readonly BackupDatabase[] }>(
  set: Set,
  home: string,
): Promise<Set> {
  const open = interruptedRestores(home);
  if (open.length === 0) return set;
  const databases: BackupDatabase[] = [];
  for (const database of set.databases) {
    const found = await workingOn(database, set.workspace, open);
    databases.push(
      found === undefined ? database : { ...database, doubt: doubtOf(database.name, found.startedAt) },
    );
  }
  return { ...set, databases };
}

function doubtOf(name: string, startedAt: string): string {
  return `A restore of “${name}” of ${timeOf(startedAt)} was interrupted and has not been ended, so what it holds may be half-loaded; “crm-backup interrupted” tells what to do.`;
}

/**
 * What becomes of databases in their own places, with a word about restores that were interrupted there and will be ended
 * first.
 */
export async function withNotices(
  databases: readonly RestoredDatabase[],
  { workspace, databases: live = [] }: LiveSet,
  home: string,
): Promise<RestoredDatabase[]> {
  const open = interruptedRestores(home);
  const told: RestoredDatabase[] = [];
  for (const one of databases) {
    const database = live.find(({ name }) => name === one.database);
    const found = database && (await workingOn(database, workspace, open));
    const notices = found === undefined ? [] : [endedFirst(found.startedAt)];
    told.push({ ...one, notices: [...one.notices, ...notices] });
  }
  return told;
}

function endedFirst(startedAt: string): string {
  return `The restore of ${timeOf(startedAt)} that was interrupted here is ended first, by its restore command where it has one, after a backup of what is there.`;
}

/** The first of some restores that works on this database of a set in its own place. */
async function workingOn(
  database: BackupDatabase,
  workspace: string | undefined,
  restores: readonly InterruptedRestore[],
): Promise<InterruptedRestore | undefined> {
  for (const one of restores) if (await isWorkedOn({ database }, workspace, one)) return one;
  return undefined;
}

/**
 * Whether a restore works on a database of a set: it may have come there by the name of another one.
 * @param place the database, or what it is restored to instead
 */
async function isWorkedOn(
  place: Live['databases'][number],
  workspace: string | undefined,
  { databases = [], over = [] }: Working,
): Promise<boolean> {
  if (databases.length === 0) return false;
  const [liveName] = await overLive({ folders: [], databases: [place] });
  if (liveName !== undefined && over.includes(liveName)) return true;
  if (place.target !== undefined) return false;
  // Its address may be another one since, or cannot be found now.
  return databases.some(
    (one) =>
      one.name === place.database.name &&
      one.target === undefined &&
      (workspace === undefined || oneSpelling(one.workspace) === oneSpelling(workspace)),
  );
}
