import { besideOf } from './database-recovery.ts';
import type { DatabaseSwitcher, JournalDatabase, KeptDatabase, LeftDatabase } from './database-targets.ts';
import type { RestoreDisk } from './disk.ts';
import type { Journal } from './journal.ts';
import { putRestAside } from './kept-files.ts';
import { closeStaging, stateOfRoot } from './staging.ts';
import type { Switcher } from './switch.ts';

/**
 * Ends a restore with what is live: nothing of it is moved or overwritten. What files were before stands in folders of
 * their own then (`Switcher.keptIn`).
 */
export async function keep(
  journal: Journal,
  disk: RestoreDisk,
  { files, databases }: { readonly files: Switcher; readonly databases: DatabaseSwitcher },
  isDamaged: boolean,
): Promise<readonly KeptDatabase[]> {
  const { roots, id } = journal.header;
  if (journal.phase !== 'keeping' && journal.phase !== 'kept') journal.enter('keeping');
  const kept = await databases.keepLive();
  await files.keep();
  if (isDamaged) for (const { directory } of roots) await putRestAside(disk, directory, id);
  journal.settleUndo(false);
  for (const { directory } of roots) closeStaging(disk, directory, id);
  const isAway = roots.some((root) => stateOfRoot(root, id) === 'away');
  // Only the journal knows what stands in the staging directory, should the folder come back.
  if (!isAway) journal.remove();
  else if (journal.phase !== 'kept') journal.enter('kept');
  return kept;
}

/** What may stand beside databases whose restore was ended without them. */
export async function leftOf(databases: readonly JournalDatabase[]): Promise<LeftDatabase[]> {
  return Promise.all(
    databases.map(async (database) => ({
      database: database.target ?? database.name,
      places: await besideOf(database),
    })),
  );
}
