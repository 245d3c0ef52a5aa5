import { CrmBackupError } from '../errors.ts';
import { isDamage } from '../vault/error.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';

/** Notes that a drill of a backup met damage, if that is why it failed; what cannot be noted changes nothing of that. */
export async function noteDamage(
  vault: Vault,
  { id, damagedAt }: BackupRecord,
  error: unknown,
): Promise<void> {
  if (!isDamage(error) || damagedAt !== undefined) return;
  try {
    await vault.note({ backup: id, damagedAt: new Date().toISOString() });
  } catch (failure) {
    if (!(failure instanceof CrmBackupError)) throw failure;
  }
}
