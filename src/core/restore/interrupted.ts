import { backUp, type BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import { oneSpelling } from '../real-folder.ts';
import { SourceError } from '../source/error.ts';
import type { SecretSource } from '../surroundings.ts';
import type { Task } from '../task.ts';
import type { Vault } from '../vault/vault.ts';
import type { SelectedDatabase } from './database-selection.ts';
import type { JournalDatabase } from './database-targets.ts';
import type { RestoredDatabase } from './plan-databases.ts';
import { type RestoreDisk } from './disk.ts';
import { timeOf } from './interrupted-sentence.ts';
import { interruptedRestores } from './journals.ts';
import { endRestore, type Recovered, recoverRestores } from './recover.ts';

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
 * @throws {RestoreError} when one of the former cannot be ended; {VaultError}, {StorageError}, {CancelledError}
 */
export async function endInterrupted(vault: Vault, next: NewRestore, task: Task): Promise<void> {
  const { home, directories, databases, set, secret, disk, onInterrupted } = next;
  const live = (set?.databases ?? []).filter(({ name }) =>
    databases.some((one) => one.name === name && one.target === undefined),
  );
  for (const found of await recoverRestores(home, disk, secret)) {
    const meets =
      found.directories.some((directory) => directories.includes(directory)) ||
      live.some((database) => isWorkedOn(database, set?.workspace, found.databases));
    const isOpen = found.outcome === 'undecided' || found.outcome === 'failed';
    const isEndedFirst = meets && isOpen && interruptedRestores(home).some(({ id }) => id === found.id);
    await onInterrupted?.(found, isEndedFirst);
    if (!isEndedFirst) continue;
    if (set !== undefined && next.safetyBackup) await saveBefore(vault, set, found, task);
    await endRestore(home, found.id, 'end', secret, disk);
  }
}

/** Keeps what is live, as far as it can be read: what was changed since may be overwritten. */
async function saveBefore(
  vault: Vault,
  set: BackupSources,
  { databases }: Recovered,
  task: Task,
): Promise<void> {
  const concerned = set.databases.filter((one) => isWorkedOn(one, set.workspace, databases));
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
export function withDoubts<Set extends LiveSet & { readonly databases: readonly BackupDatabase[] }>(
  set: Set,
  home: string,
): Set {
  const open = interruptedRestores(home);
  if (open.length === 0) return set;
  const databases = set.databases.map((database) => {
    const found = open.find((one) => isWorkedOn(database, set.workspace, one.databases ?? []));
    return found === undefined ? database : { ...database, doubt: doubtOf(database.name, found.startedAt) };
  });
  return { ...set, databases };
}

function doubtOf(name: string, startedAt: string): string {
  return `A restore of “${name}” of ${timeOf(startedAt)} was interrupted and has not been ended, so what it holds may be half-loaded; “crm-backup interrupted” tells what to do.`;
}

/** What becomes of databases, with a word about restores that were interrupted there and will be ended first. */
export function withNotices(
  databases: readonly RestoredDatabase[],
  { workspace }: Pick<BackupSources, 'workspace'>,
  home: string,
): RestoredDatabase[] {
  const open = interruptedRestores(home);
  return databases.map((one) => {
    const found = open.find((each) => isWorkedOn({ name: one.database }, workspace, each.databases ?? []));
    if (found === undefined) return one;
    const notice = `The restore of ${timeOf(found.startedAt)} that was interrupted here is ended first, by its restore command where it has one, after a backup of what is there.`;
    return { ...one, notices: [...one.notices, notice] };
  });
}

/** Whether a restore works on this database of a set in its own place. */
function isWorkedOn(
  { name }: Pick<BackupDatabase, 'name'>,
  workspace: string | undefined,
  databases: readonly JournalDatabase[],
): boolean {
  return databases.some(
    (one) =>
      one.name === name &&
      one.target === undefined &&
      (workspace === undefined || oneSpelling(one.workspace) === oneSpelling(workspace)),
  );
}
