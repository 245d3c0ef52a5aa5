import { writePrivateFile } from './create-vault.ts';
import { StorageError } from './storage/storage.ts';
import { VaultError } from './vault/error.ts';
import { createSecret, formatSecret } from './vault/key.ts';
import type { Vault } from './vault/vault.ts';

/** Shorter passphrases are refused: whoever has the vault's files can try them all. */
const LEAST_PASSPHRASE_CHARACTERS = 8;

/**
 * Makes a recovery key, which opens the vault as a key file does, and returns its text. Earlier ones stay valid. With a
 * `file` it is written there first, readable by the user alone, so that no key exists that nobody has.
 * @throws {StorageError} when there is such a file already or it cannot be written.
 */
export async function createRecoveryKey(vault: Vault, file: string | undefined): Promise<string> {
  const secret = createSecret();
  const text = formatSecret(secret, `Recovery key of the CRM Backup vault at ${vault.storage.location}`);
  if (file !== undefined && !(await writePrivateFile(file, text))) {
    throw new StorageError('storage-failed', `The recovery key was not written: ${file} exists already.`, {
      hint: 'Name a new file.',
    });
  }
  await vault.addKey('recovery-key', { secret });
  return text;
}

/**
 * Lets a passphrase open the vault, and no longer the one before.
 * @throws {VaultError} `weak-passphrase`.
 */
export async function setPassphrase(vault: Vault, passphrase: string): Promise<void> {
  if (Array.from(passphrase.normalize('NFC')).length < LEAST_PASSPHRASE_CHARACTERS) {
    throw new VaultError(
      'weak-passphrase',
      `The passphrase is too short: it needs at least ${LEAST_PASSPHRASE_CHARACTERS} characters.`,
      { hint: 'Several words that nobody would put together are easy to keep and hard to guess.' },
    );
  }
  await vault.addKey('passphrase', { passphrase }, true);
}
