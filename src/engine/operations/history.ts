import { type FileVersions, fileVersions } from '../../core/history/file-versions.ts';
import { lineOrigins as originsOf } from '../../core/history/line-origins.ts';
import { searchText as search } from '../../core/history/search-text.ts';
import { historyOf, withHistory } from '../../core/history.ts';
import type { HistoryRepository } from '../../core/history/repository.ts';
import { VaultError } from '../../core/vault/error.ts';
import type { BackupRecord } from '../../core/vault/record.ts';
import type { Vault } from '../../core/vault/vault.ts';
import { toFailure } from '../failure.ts';
import type { InSet } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import { reading, type Vaults } from '../vaults.ts';

/** A set's history, and what it is made of. */
interface Mirrored {
  readonly repository: HistoryRepository;
  readonly vault: Vault;
  /** Newest first. */
  readonly records: readonly BackupRecord[];
  /** Ids of backups that cannot be read; of which sets they are nobody knows. */
  readonly unreadable: readonly string[];
}

/** Every version of a file. */
export function fileHistory(vaults: Vaults): Handler<'fileHistory'> {
  return async ({ path, ...target }, task) => {
    const { repository, vault, records, unreadable } = await mirrored(vaults, target);
    const unread = new Set(unreadable);
    const nothing: FileVersions = { versions: [], hint: undefined };
    const { versions, hint } = await reading(vault, async () =>
      fileVersions(repository, vault, records, path, task, ({ id }) => unread.add(id)),
    ).catch((error: unknown) => {
      // That no backup has it can be said only where all were searched.
      if (unread.size > 0 && error instanceof VaultError && error.code === 'unknown-entry') return nothing;
      throw error;
    });
    return {
      unread: [...unread],
      versions: versions.map(({ record, ...version }) => ({ backup: record.id, ...version })),
      hint: hint && toFailure(hint),
    };
  };
}

/** For every line of a file, the backup it was changed in. */
export function lineOrigins(vaults: Vaults): Handler<'lineOrigins'> {
  return async ({ path, backup, ...target }, task) => {
    const { repository, vault, records } = await mirrored(vaults, target);
    const origins = await withHistory(repository, vault, records, task, async (history) =>
      originsOf(history, backup, path, task),
    );
    return origins.map(({ record, line, count }) => ({ line, count, backup: record.id }));
  };
}

/** The backups that brought a text into a file or took it out. */
export function searchText(vaults: Vaults): Handler<'searchText'> {
  return async ({ workspace, set, ...query }, task) => {
    const { repository, vault, records, unreadable } = await mirrored(vaults, { workspace, set });
    const unread = new Set(unreadable);
    const matches = await withHistory(repository, vault, records, task, async (history) =>
      search(history, query, task, ({ id }) => unread.add(id)),
    );
    return {
      unread: [...unread],
      matches: matches.map(({ record, ...match }) => ({ backup: record.id, ...match })),
    };
  };
}

async function mirrored(vaults: Vaults, target: InSet): Promise<Mirrored> {
  const vault = await vaults.existing(await vaults.place(target));
  const { records, damaged } = await vaults.records(vault);
  return {
    repository: historyOf(vaults.surroundings, vault, target.set),
    vault,
    records: records.filter(({ set }) => set === target.set),
    unreadable: damaged.map(({ id }) => id),
  };
}
