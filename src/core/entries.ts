import { VaultError } from './vault/error.ts';
import type { EntryView } from './vault/manifest-entry.ts';
import { type Task, throwIfCancelled } from './task.ts';
import { isWithin } from './vault/order.ts';
import type { BackupRecord } from './vault/record.ts';
import type { Vault } from './vault/vault.ts';

/**
 * The entry of a backup at a path.
 * @throws {VaultError} `unknown-entry`.
 */
export async function entryAt(vault: Vault, record: BackupRecord, path: string): Promise<EntryView> {
  for await (const entry of vault.entries(record, path)) {
    if (entry.path === path) return entry;
    break;
  }
  throw unknownEntry(record, path);
}

/**
 * The entries of a backup in order: what stands directly in `directory`, or everything below it with `recursive`. An
 * empty path is the whole backup, whose own level are the sources: `files/<root>`, `databases/<name>`. What is no
 * directory is listed itself.
 * @throws {VaultError} `unknown-entry` when the backup has no such path. {CancelledError}
 */
export async function* listEntries(
  vault: Vault,
  record: BackupRecord,
  directory: string,
  recursive: boolean,
  task: Task = {},
): AsyncGenerator<EntryView> {
  const isTop = directory === '' || directory === 'files' || directory === 'databases';
  if (isTop && !recursive) {
    // Each source begins with itself: nothing else has to be read.
    for (const { root } of record.manifest) {
      if (directory === '' || isWithin(root, directory)) yield await entryAt(vault, record, root);
    }
    return;
  }
  const below = directory.length + 1;
  let found = isTop;
  for await (const entry of vault.entries(record, directory === '' ? undefined : directory)) {
    throwIfCancelled(task);
    found = true;
    const { path } = entry;
    if (path === directory) {
      if (entry.type !== 'directory') yield entry;
      continue;
    }
    if (recursive || !path.includes('/', below)) yield entry;
  }
  if (!found) throw unknownEntry(record, directory);
}

function unknownEntry(record: BackupRecord, path: string): VaultError {
  return new VaultError('unknown-entry', `Backup ${record.id.slice(0, 8)} has no “${path}”.`, {
    hint: '“crm-backup ls BACKUP” lists what it has, “crm-backup find” searches all backups.',
  });
}
