import { overLive } from '../live-lock.ts';
import { oneSpelling } from '../real-folder.ts';
import type { ResolvedSet } from '../set/resolve.ts';
import { commonTo } from '../vault/lock-over.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Recovered } from './recover.ts';

/** What somebody works with. */
export interface Surrounding {
  /** Undefined where a vault alone is named. */
  readonly workspace: string | undefined;
  /** Sets of the workspace. */
  readonly sets: readonly Pick<ResolvedSet, 'roots' | 'databases'>[];
  /** Backups of their vaults. */
  readonly records: () => Promise<readonly Pick<BackupRecord, 'id'>[]>;
}

const OF_ALL: ReadonlySet<Recovered['outcome']> = new Set(['finished', 'undone', 'kept', 'unreadable']);

/**
 * Whether somebody is to be told of an interrupted restore: of all that was ended now, for nobody else will be; of what
 * waits to be ended (if its journal can be read at all) where it touches a folder or a database of the workspace, was
 * begun there, or is of a backup of its vaults.
 */
export async function isToBeTold(
  { outcome, backup, directories, databases, over = directories }: Recovered,
  { workspace, sets, records }: Surrounding,
): Promise<boolean> {
  if (OF_ALL.has(outcome)) return true;
  const own = workspace === undefined ? [] : [oneSpelling(workspace)];
  if (databases.some((database) => own.includes(oneSpelling(database.workspace)))) return true;
  const live = {
    folders: sets.flatMap(({ roots }) => roots.map(({ directory }) => directory)),
    databases: sets.flatMap((set) => set.databases.map((database) => ({ database }))),
  };
  if (commonTo(over, [...own, ...(await overLive(live))]) !== undefined) return true;
  return (await records()).some(({ id }) => id === backup);
}
