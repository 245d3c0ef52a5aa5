import { VaultError } from './vault/error.ts';

/** Shorter passphrases are refused: whoever has the vault's files can try them all. */
const LEAST_CHARACTERS = 8;
/** More is more than an environment variable holds on every system. */
const MOST_CHARACTERS = 10_000;

/**
 * Refuses a passphrase that protects nothing, and one that `CRM_BACKUP_PASSPHRASE` could never hold.
 * @throws {VaultError} `weak-passphrase`, `invalid-passphrase`.
 */
export function checkPassphrase(passphrase: string): void {
  const { length } = Array.from(passphrase.normalize('NFC'));
  if (length < LEAST_CHARACTERS) {
    throw new VaultError(
      'weak-passphrase',
      `The passphrase is too short: it needs at least ${LEAST_CHARACTERS} characters.`,
      { hint: 'Several words that nobody would put together are easy to keep and hard to guess.' },
    );
  }
  const isLong = length > MOST_CHARACTERS;
  if (!isLong && !passphrase.includes('\0')) return;
  const why = isLong ? `it has more than ${MOST_CHARACTERS} characters` : 'it has a NUL character';
  throw new VaultError('invalid-passphrase', `The passphrase cannot be used: ${why}.`, {
    hint: 'CRM_BACKUP_PASSPHRASE must be able to hold it; check what was typed or piped.',
  });
}
