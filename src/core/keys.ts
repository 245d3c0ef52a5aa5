import { writePrivateFile } from './create-vault.ts';
import { checkPassphrase } from './passphrase.ts';
import { StorageError } from './storage/storage.ts';
import { createSecret, formatSecret } from './vault/key.ts';
import type { Vault } from './vault/vault.ts';

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
 * @throws {VaultError} `weak-passphrase`, `invalid-passphrase`.
 */
export async function setPassphrase(vault: Vault, passphrase: string): Promise<void> {
  checkPassphrase(passphrase);
  await vault.addKey('passphrase', { passphrase }, true);
}
