import { CrmBackupError } from '../errors.ts';

export type VaultErrorCode =
  | 'no-vault'
  | 'vault-exists'
  | 'newer-format'
  | 'wrong-key'
  | 'missing-key'
  | 'invalid-key'
  | 'weak-passphrase'
  | 'invalid-passphrase'
  | 'locked'
  | 'damaged'
  | 'missing-chunk'
  | 'unknown-backup'
  | 'ambiguous-backup'
  | 'unknown-entry'
  | 'unsupported-runtime';

/** A vault cannot be opened, read or written as asked. */
export class VaultError extends CrmBackupError<VaultErrorCode> {}

/** Whether an error says that something in the vault is damaged or lost; what else is in it may be as good as ever. */
export function isDamage(error: unknown): boolean {
  return error instanceof VaultError && (error.code === 'damaged' || error.code === 'missing-chunk');
}
