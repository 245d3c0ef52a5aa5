import { type Task, throwIfCancelled } from '../task.ts';
import { VaultError } from '../vault/error.ts';
import { lockVault } from '../vault/lock.ts';
import { type BackupRecord, decodeRecord, forgottenName, listRecordIds } from '../vault/record.ts';
import { newestFirst } from '../vault/record-list.ts';
import type { Vault } from '../vault/vault.ts';
import { applyRetention, type KeptBackup, type RetentionResult } from './retain.ts';
import { rulesOf, type WrittenRetention } from './rules.ts';

const WAIT_FOR_LOCK_MS = 10_000;

/** A set as far as its retention goes. */
export interface RetainedSet {
  readonly name: string;
  readonly retention?: WrittenRetention | undefined;
}

/** What the retention of each set says of its own backups; those of other sets are not looked at. */
export function planForget(
  records: readonly BackupRecord[],
  sets: readonly RetainedSet[],
  now: Date,
): RetentionResult<BackupRecord> {
  const kept: KeptBackup<BackupRecord>[] = [];
  const removed: BackupRecord[] = [];
  for (const { name, retention } of sets) {
    const ofSet = records.filter(({ set }) => set === name);
    const result = applyRetention(ofSet, rulesOf(retention), now);
    kept.push(...result.kept);
    removed.push(...result.removed);
  }
  return { kept: kept.sort((a, b) => newestFirst(a.backup, b.backup)), removed: removed.sort(newestFirst) };
}

/**
 * Takes backups off the list. A cancellation leaves those on it that had not their turn.
 * @throws {VaultError} `locked`. {CancelledError}, {StorageError}.
 */
export async function forgetBackups(
  vault: Vault,
  records: readonly Pick<BackupRecord, 'id'>[],
  task: Task,
): Promise<void> {
  if (records.length === 0) return;
  const purpose = 'forgetting backups';
  await using _lock = await lockVault(vault.storage, 'shared', { purpose, waitMs: WAIT_FOR_LOCK_MS }, task);
  for (const { id } of records) {
    throwIfCancelled(task);
    await vault.forget(id);
  }
}

/** Backups that were forgotten and can be taken back, newest first; damaged records are passed over. */
export async function forgottenBackups(vault: Vault): Promise<BackupRecord[]> {
  const records: BackupRecord[] = [];
  for (const id of await listRecordIds(vault.storage, 'forgotten')) {
    try {
      records.push(decodeRecord(vault.keys, id, await vault.storage.read(forgottenName(id))));
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
    }
  }
  return records.sort(newestFirst);
}

/**
 * Puts forgotten backups back on the list.
 * @throws {VaultError} `locked`, `damaged`. {CancelledError}, {StorageError}.
 */
export async function takeBack(
  vault: Vault,
  records: readonly Pick<BackupRecord, 'id'>[],
  task: Task,
): Promise<void> {
  if (records.length === 0) return;
  const purpose = 'taking backups back';
  await using _lock = await lockVault(vault.storage, 'shared', { purpose, waitMs: WAIT_FOR_LOCK_MS }, task);
  for (const { id } of records) {
    throwIfCancelled(task);
    await vault.unforget(id);
  }
}
