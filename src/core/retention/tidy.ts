import type { Task } from '../task.ts';
import { prune, type PruneResult } from '../vault/prune.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { forgetBackups, planForget, type RetainedSet } from './forget.ts';

/** For so many days a backup that the retention has forgotten can be taken back: no automatic prune touches it. */
export const UNDO_DAYS = 7;
/** An automatic prune must free at least so much: less is not worth the work … */
const LEAST_BYTES = 8 * 1024 * 1024;
/** … and at least this share of the vault. */
const LEAST_SHARE = 0.1;

const DAY_MS = 24 * 60 * 60 * 1000;

/** What was tidied up. */
export interface Tidied {
  readonly forgotten: readonly BackupRecord[];
  /** Undefined when there was not enough to gain. */
  readonly pruned: PruneResult | undefined;
}

/**
 * What happens to a vault by itself after scheduled backups: the retention of the sets is applied, then what nobody
 * needs any more is freed, if that is worth the work. Cancelling leaves a vault that is as good as before.
 * @throws {VaultError} `locked`, `damaged`. {CancelledError}, {StorageError}.
 */
export async function tidy(
  vault: Vault,
  sets: readonly RetainedSet[],
  now: Date,
  task: Task = {},
): Promise<Tidied> {
  const { records } = await vault.records();
  const { removed } = planForget(records, sets, now);
  await forgetBackups(vault, removed, task);
  return { forgotten: removed, pruned: await pruneIfWorthwhile(vault, now, task) };
}

/**
 * Prunes when enough is free to gain: a tenth of the vault, and no less than 8 MiB. Backups forgotten less than a week
 * ago are still held, so that they can be taken back. Nothing is read unless a backup was forgotten before that.
 */
export async function pruneIfWorthwhile(
  vault: Vault,
  now: Date,
  task: Task = {},
): Promise<PruneResult | undefined> {
  const forgottenBefore = new Date(now.getTime() - UNDO_DAYS * DAY_MS);
  const forgotten = await vault.storage.list('forgotten');
  if (!forgotten.some(({ modifiedMs }) => modifiedMs < forgottenBefore.getTime())) return undefined;
  const packs = await vault.storage.list('packs');
  const vaultBytes = packs.reduce((sum, { bytes }) => sum + bytes, 0);
  const { freedBytes } = await prune(vault, { dryRun: true, forgottenBefore }, task);
  if (freedBytes < Math.max(LEAST_BYTES, vaultBytes * LEAST_SHARE)) return undefined;
  return prune(vault, { forgottenBefore }, task);
}
