import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemCode } from './errors.ts';
import { keyFilePath } from './home.ts';
import { savedText } from './saved-text.ts';
import { homeOf, type Surroundings } from './surroundings.ts';
import { VaultError } from './vault/error.ts';
import { parseSecret, type Unlock } from './vault/key.ts';

/** What opens a vault, and where it was found. */
export interface FoundKey {
  readonly unlock: Unlock;
  /** The key's file; undefined for a passphrase. */
  readonly file: string | undefined;
}

/** A key file the user named: by option, else by `CRM_BACKUP_KEY_FILE`. */
export function namedKeyFile(
  keyFile: string | undefined,
  { env, cwd }: Pick<Surroundings, 'env' | 'cwd'>,
): string | undefined {
  const named = keyFile ?? env['CRM_BACKUP_KEY_FILE'];
  return named === undefined || named === '' ? undefined : resolve(cwd, named);
}

/**
 * Finds what opens a vault: the key file that was named, else the passphrase in `CRM_BACKUP_PASSPHRASE`, else the key
 * file in the user's own data. The first that there is decides; the others are not tried.
 * @throws {VaultError} `missing-key`, `invalid-key`.
 */
export async function findKey(
  vaultId: string,
  keyFile: string | undefined,
  surroundings: Surroundings,
): Promise<FoundKey> {
  const named = namedKeyFile(keyFile, surroundings);
  if (named !== undefined) return { unlock: { secret: await readKeyFile(named) }, file: named };
  const passphrase = surroundings.env['CRM_BACKUP_PASSPHRASE'];
  if (passphrase) return { unlock: { passphrase }, file: undefined };
  const own = keyFilePath(homeOf(surroundings), vaultId, surroundings.platform);
  return { unlock: { secret: await readKeyFile(own) }, file: own };
}

/**
 * The secret in a key file. An editor or a shell may have saved it in its own encoding.
 * @throws {VaultError} `missing-key` when it cannot be read, `invalid-key` when it holds no key.
 */
export async function readKeyFile(file: string): Promise<Buffer> {
  let text: string;
  try {
    text = savedText(await readFile(file));
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const why = code === 'ENOENT' ? 'it does not exist' : `the system says ${code}`;
    throw new VaultError('missing-key', `The key file ${file} cannot be read: ${why}.`, {
      cause: error,
      hint: 'Bring the key file back, name the recovery key with --key-file, or set CRM_BACKUP_PASSPHRASE.',
    });
  }
  try {
    return parseSecret(text);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new VaultError('invalid-key', `The file ${file} does not hold a key of CRM Backup.`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
