import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { isWithin } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import { RestoreError } from './error.ts';
import { restoresFolder } from './journal.ts';
import type { UndoNote } from './journal-entries.ts';
import type { SelectedPath } from './selection.ts';
import type { RestorePlan } from './plan-restore.ts';

/** What is kept of a set's last restore, so that it can be taken back. */
export interface LastRestore {
  readonly version: 1;
  readonly set: string;
  /** Id of the backup that was restored. */
  readonly restored: string;
  /** Id of the backup taken before. */
  readonly safetyBackup: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** Paths in the backup that were changed. */
  readonly touched: readonly SelectedPath[];
}

/**
 * What an undo of a restore is going to need; its journal puts that in the place of what the restore before needs, once it
 * has restored. Without a safety backup it cannot be taken back, nor can what was before it.
 */
export function undoOf(
  vaultId: string,
  record: BackupRecord,
  safetyBackup: BackupRecord | undefined,
  plan: RestorePlan,
  databases: readonly SelectedPath[],
): UndoNote {
  const last: LastRestore | undefined = safetyBackup && {
    version: 1,
    set: record.set,
    restored: record.id,
    safetyBackup: safetyBackup.id,
    at: new Date().toISOString(),
    touched: [...plan.targets.flatMap((target) => target.plan.touched), ...databases],
  };
  return { name: undoName(vaultId, record.set), text: last === undefined ? '' : JSON.stringify(last) };
}

/**
 * A set's last restore, with the backup that was taken before it.
 * @param records what the vault has
 * @param meant id of the safety backup of the restore that is to be the last; undefined means whichever is
 * @throws {RestoreError} `nothing-to-undo`, `restored-since`
 */
export function restoreToUndo(
  home: string,
  vaultId: string,
  set: string,
  records: readonly BackupRecord[],
  meant: string | undefined,
): { readonly last: LastRestore; readonly record: BackupRecord } {
  const last = readUndo(home, vaultId, set);
  if (last !== undefined && meant !== undefined && meant !== last.safetyBackup) {
    throw new RestoreError(
      'restored-since',
      `Set “${set}” was restored again since, so the restore before that was not taken back; nothing was changed.`,
      { hint: `Restore safety backup ${meant.slice(0, 8)} from the list instead.` },
    );
  }
  const record = records.find(({ id }) => id === last?.safetyBackup);
  if (last === undefined || record === undefined) {
    throw new RestoreError('nothing-to-undo', `There is no restore of set “${set}” to take back.`, {
      hint: 'Restore a safety backup from the list instead.',
    });
  }
  return { last, record };
}

/**
 * What of all that a restore has touched its safety backup can bring back: not the databases that it has made, which were
 * not there before.
 * @throws {RestoreError} `nothing-to-undo` when that is nothing
 */
export function keptBefore({ touched }: LastRestore, { sources }: BackupRecord): SelectedPath[] {
  const databases = sources.filter(({ type }) => type === 'database');
  const kept = touched.filter(
    ({ path }) =>
      !path.startsWith('databases/') || databases.some(({ name }) => isWithin(path, `databases/${name}`)),
  );
  if (kept.length > 0 || touched.length === 0) return kept;
  throw new RestoreError(
    'nothing-to-undo',
    'There is nothing to take back: the last restore has only made databases that were not there before.',
    { hint: 'They stay; remove them with the tools of their servers if you do not want them.' },
  );
}

/** What is kept of a set's last restore; undefined when there is none to take back. */
export function readUndo(home: string, vaultId: string, set: string): LastRestore | undefined {
  try {
    const last = JSON.parse(readFileSync(undoFile(home, vaultId, set), 'utf8')) as Partial<LastRestore>;
    return last.version === 1 ? (last as LastRestore) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function undoFile(home: string, vaultId: string, set: string): string {
  return join(restoresFolder(home), undoName(vaultId, set));
}

function undoName(vaultId: string, set: string): string {
  const name = createHash('sha256').update(`${vaultId}\0${set}`).digest('hex').slice(0, 16);
  return `last-${name}.json`;
}
