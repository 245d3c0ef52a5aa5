import { mkdir, open, readdir, readFile, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from './errors.ts';
import { keyFilePath } from './home.ts';
import { oneSpelling } from './real-folder.ts';
import { checkPassphrase } from './passphrase.ts';
import { LocalStorage } from './storage/local.ts';
import { StorageError } from './storage/storage.ts';
import { homeOf, type Surroundings } from './surroundings.ts';
import { namedKeyFile, readKeyFile } from './unlock.ts';
import { VaultError } from './vault/error.ts';
import { createSecret, formatSecret } from './vault/key.ts';
import { createVaultId, Vault } from './vault/vault.ts';

/** A vault just made, and the file with its key. */
export interface CreatedVault {
  readonly vault: Vault;
  readonly keyFile: string;
  /** Whether a passphrase opens it as well. */
  readonly hasPassphrase: boolean;
}

const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
const HEADING = 'Key of the CRM Backup vault at ';
/** How a key file with it begins. */
const START = `# ${HEADING}`;

/**
 * Makes a vault in a directory. Its key is written first, readable by the user alone: into the file that was named
 * (a key that stands there is used), else into the user's own data. A passphrase in `CRM_BACKUP_PASSPHRASE` opens the
 * vault as well. When it fails, neither is left behind.
 * @throws {VaultError} `vault-exists`, `invalid-key`, `unsupported-runtime`; what {@link checkPassphrase} throws;
 * {StorageError}.
 */
export async function createVault(
  directory: string,
  keyFile: string | undefined,
  surroundings: Surroundings,
): Promise<CreatedVault> {
  const storage = new LocalStorage(directory);
  if ((await Vault.identify(storage)) !== undefined) {
    throw new VaultError('vault-exists', `There is a vault at ${directory} already.`, {
      hint: 'Use it, or name another place with --vault.',
    });
  }
  const passphrase = surroundings.env['CRM_BACKUP_PASSPHRASE'] ?? '';
  if (passphrase !== '') checkPassphrase(passphrase);
  const id = createVaultId();
  const file =
    namedKeyFile(keyFile, surroundings) ?? keyFilePath(homeOf(surroundings), id, surroundings.platform);
  const secret = createSecret();
  const isNew = await writePrivateFile(file, formatSecret(secret, HEADING + oneLine(directory)));
  try {
    const unlock = { secret: isNew ? secret : await readKeyFile(file) };
    const vault = await Vault.create(storage, 'key-file', unlock, id);
    if (passphrase !== '') await vault.addKey('passphrase', { passphrase });
    return { vault, keyFile: file, hasPassphrase: passphrase !== '' };
  } catch (error) {
    if (isNew && (await Vault.identify(storage).catch(() => id)) !== id) await unlink(file);
    throw error;
  }
}

/**
 * Writes a file that only its user may read, unless there is one already: then false.
 * @throws {StorageError} with the file's name.
 */
export async function writePrivateFile(file: string, text: string): Promise<boolean> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: PRIVATE_DIRECTORY });
  } catch (error) {
    throw unwritable(file, error);
  }
  try {
    const handle = await open(file, 'wx', PRIVATE_FILE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } catch (error) {
      await unlink(file).catch(() => undefined);
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const why = isFull ? 'the disk is full' : `the system says ${code}`;
  return new StorageError(
    isFull ? 'no-space' : 'storage-failed',
    `The file ${file} could not be written: ${why}.`,
    {
      cause: error,
      hint: 'Name another file, or make it possible to write there.',
    },
  );
}

/** Whether a key among the user's own data says that a vault was made at this place, however it was named then. */
export async function wasVaultMadeAt(directory: string, surroundings: Surroundings): Promise<boolean> {
  const folder = join(homeOf(surroundings), 'keys');
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    const [heading = ''] = text.split('\n', 1);
    if (!heading.startsWith(START)) continue;
    if (isSamePlace(heading.slice(START.length), oneLine(directory))) return true;
  }
  return false;
}

/** Looks at the disk only where names agree: it may be one of a network that takes long to answer. */
function isSamePlace(one: string, other: string): boolean {
  if (one === other) return true;
  return basename(one) === basename(other) && oneSpelling(one) === oneSpelling(other);
}

function oneLine(directory: string): string {
  return directory.replace(/[\r\n]/g, ' ');
}
