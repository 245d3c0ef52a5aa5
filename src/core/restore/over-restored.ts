import type { BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import { overLive } from '../live-lock.ts';
import type { BackupRecord } from '../vault/record.ts';
import { placeOf, type SelectedDatabase } from './database-selection.ts';
import { placesOf, type PlanRequest } from './plan-restore.ts';

interface RestoredSet extends Pick<BackupSources, 'roots'> {
  readonly databases?: readonly BackupDatabase[];
}

/**
 * The names of what a restore changes that is live, and of what its safety backup reads; see {@link overLive}.
 * @throws as {@link placesOf}
 */
export async function overRestored(
  record: BackupRecord,
  request: Pick<PlanRequest, 'paths' | 'to'> & { readonly set: RestoredSet | undefined },
  selected: readonly SelectedDatabase[],
  hasSafetyBackup: boolean,
): Promise<string[]> {
  const { to, set } = request;
  if (to !== undefined) return overLive({ folders: [to], databases: [] });
  const changed = placesOf(record, request).map(({ directory }) => directory);
  const read = hasSafetyBackup ? (set?.roots ?? []).map(({ directory }) => directory) : [];
  const databases = selected.flatMap((one) => placeOf(one, set?.databases ?? []) ?? []);
  return overLive({ folders: [...new Set([...changed, ...read])], databases });
}
