import { entryAt } from '../entries.ts';
import { withHistory } from '../history.ts';
import { pathVersions } from '../search.ts';
import type { Task } from '../task.ts';
import { VaultError } from '../vault/error.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { HistoryError } from './error.ts';
import { fileHistory, type LoggedVersion } from './file-history.ts';
import type { HistoryRepository } from './repository.ts';

/** One version of a file: the first backup that has it so. */
export interface FileVersion extends LoggedVersion {
  /** Bytes; undefined when it was deleted. */
  readonly size: number | undefined;
}

/** The versions of a file, and why they may be fewer than there are. */
export interface FileVersions {
  /** Newest first. */
  readonly versions: readonly FileVersion[];
  /** Why git had no part in them; then no version has another name, and lines are not counted. */
  readonly hint: HistoryError | undefined;
}

/**
 * Every version of a file over a set's backups, also of when it had another name; without git, those it has under this
 * name.
 * @param newestFirst all backups of the set
 * @param unread is told the backups that could not be looked through as a whole, because something of them is lost
 * @throws {VaultError} `unknown-entry` when none of them has it. {CancelledError}
 */
export async function fileVersions(
  repository: HistoryRepository,
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  path: string,
  task: Task,
  unread: (record: BackupRecord) => void = () => undefined,
): Promise<FileVersions> {
  let hint: HistoryError | undefined;
  try {
    const logged = await withHistory(repository, vault, newestFirst, task, async (history) =>
      fileHistory(history, path, task, unread),
    );
    if (logged.length > 0) return { versions: await withSizes(vault, logged), hint };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    hint = error;
  }
  // A folder has versions, too, which git does not tell.
  return { versions: await plainVersions(vault, newestFirst, path, task, unread), hint };
}

async function withSizes(vault: Vault, logged: readonly LoggedVersion[]): Promise<FileVersion[]> {
  const versions: FileVersion[] = [];
  for (const version of logged) {
    versions.push({ ...version, size: await sizeOf(vault, version) });
  }
  return versions;
}

async function sizeOf(vault: Vault, { record, path, change }: LoggedVersion): Promise<number | undefined> {
  if (change === 'deleted') return undefined;
  try {
    return (await entryAt(vault, record, path)).size;
  } catch (error) {
    // A damaged manifest; the version itself is known.
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

async function plainVersions(
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  path: string,
  task: Task,
  unread: (record: BackupRecord) => void,
): Promise<FileVersion[]> {
  const versions = await pathVersions(vault, newestFirst, path, task, unread);
  return versions.map(({ record, change, entry }) => ({
    record,
    change,
    path,
    oldPath: undefined,
    size: entry?.size,
    added: undefined,
    deleted: undefined,
  }));
}
