import type { EntryChange } from '../compare/change.ts';
import type { Task } from '../task.ts';
import { unreadBecause } from '../unread.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { fromMirrorPath } from './mirror-path.ts';
import type { HistoryRepository } from './repository.ts';

/**
 * The files of a commit that its backup could not read: they stay as they were before, as nothing is known of them. What
 * was kept and is found to be gone by a later backup was in no list of entries, so what is kept is handed on.
 */
export class UnreadFiles {
  readonly #record: BackupRecord;
  readonly #maybe: Set<string>;
  /** What stands where a kept file would be, or above it. */
  readonly #replaced = new Set<string>();
  /** Folders that are new, and those of what is. */
  readonly #folders = new Set<string>();
  /** Nothing needs to be remembered where nothing can be kept. */
  readonly #isNeeded: boolean;

  /** @param kept what the commit before has of such files */
  constructor(record: BackupRecord, kept: ReadonlySet<string> = new Set()) {
    this.#record = record;
    this.#maybe = new Set(kept);
    this.#isNeeded = kept.size > 0 || mayKeepUnread(record);
  }

  /** Takes a change in; true where it is a deletion that only could not be read. */
  mayStay({ path, before, after }: EntryChange): boolean {
    if (!this.#isNeeded) return false;
    if (after === undefined && unreadBecause(this.#record, path) !== undefined) {
      if (before?.type !== 'directory') this.#maybe.add(path);
      return true;
    }
    if (after?.type === 'directory') this.#folders.add(path);
    else this.#replaced.add(path);
    if (after !== undefined) for (const folder of above(path)) this.#folders.add(folder);
    return false;
  }

  /** What is kept now, and what was and is gone; what is there again, or went with a folder, is neither. */
  settle(): { readonly kept: ReadonlySet<string>; readonly dropped: readonly string[] } {
    const kept = new Set<string>();
    const dropped: string[] = [];
    for (const path of this.#maybe) {
      if ([path, ...above(path)].some((each) => this.#replaced.has(each))) continue;
      if (this.#folders.has(path) || unreadBecause(this.#record, path) === undefined) dropped.push(path);
      else kept.add(path);
    }
    return { kept, dropped };
  }
}

/** Whether the commit of a backup depends on more than what the backup holds. */
export function mayKeepUnread({ problems }: Pick<BackupRecord, 'problems'>): boolean {
  return problems.some(({ incomplete }) => incomplete);
}

/** The files that a commit has and its backup lacks. */
export async function keptIn(
  repository: HistoryRepository,
  tree: string,
  vault: Vault,
  record: BackupRecord,
  task: Task,
): Promise<ReadonlySet<string>> {
  const told = await repository.run(['ls-tree', '-r', '-z', '--name-only', tree], task);
  const files = told.split('\0').filter((name) => name !== '');
  const kept = new Set(files.map(fromMirrorPath));
  for await (const { path } of vault.entries(record)) kept.delete(path);
  return kept;
}

function above(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}
