import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { wasVaultMadeAt } from './create-vault.ts';
import { CrmBackupError } from './errors.ts';
import { formerVault, tellFormerVault } from './former-vault.ts';
import { defaultVaultDirectory } from './home.ts';
import type { BackupSet } from './set/definition.ts';
import { SetError } from './set/error.ts';
import { secretsOf, type Variables } from './set/interpolation.ts';
import { chooseSet, findWorkspace, loadSets } from './set/load.ts';
import { isRemote, type ResolvedSet, resolveSet, resolveVault, type SetEnvironment } from './set/resolve.ts';
import { LocalStorage } from './storage/local.ts';
import { cacheOf, homeOf, type Surroundings } from './surroundings.ts';
import { findKey } from './unlock.ts';
import { VaultError } from './vault/error.ts';
import { Vault } from './vault/vault.ts';

/** What the user said about where to work; all of it optional. */
export interface Named {
  /** The workspace's folder; by default the nearest parent of the current one with a set file. */
  readonly workspace?: string | undefined;
  /** The set's name; by default the only one. */
  readonly set?: string | undefined;
  /** The vault's folder; by default the set's, else the workspace's own in the user's data. */
  readonly vault?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** A workspace and its sets as they are written. */
export interface OpenedWorkspace {
  /** Absolute. */
  readonly directory: string;
  readonly sets: readonly BackupSet[];
}

/** A set whose folders are known, and where its vault is. */
export interface PlacedSet {
  readonly workspace: string;
  readonly set: ResolvedSet;
  /** Absolute folder of the vault. */
  readonly vaultDirectory: string;
}

/** A set with its vault open. */
export interface OpenedSet extends PlacedSet {
  readonly vault: Vault;
}

/** A vault to read from. */
export interface OpenedVault {
  readonly vault: Vault;
  /** The set whose backups are meant; undefined means those of all sets. */
  readonly setName: string | undefined;
  /** The workspace's sets that keep their backups in this vault; none without a workspace. */
  readonly placed: readonly PlacedSet[];
}

/** A place for a vault that this version cannot reach. */
class OpenError extends CrmBackupError<'remote-not-supported'> {}

/**
 * Finds a workspace and reads its sets.
 * @throws {SetError} `no-set-file`, `set-file-unreadable`, `invalid-set-file`.
 */
export async function openWorkspace(
  workspace: string | undefined,
  { cwd }: Pick<Surroundings, 'cwd'>,
): Promise<OpenedWorkspace> {
  const directory = workspace === undefined ? await findWorkspace(cwd) : resolve(cwd, workspace);
  if (directory === undefined) {
    throw new SetError('no-set-file', `There is no backup set in ${cwd} or a folder above it.`, {
      hint: 'Make one with “crm-backup init”, or name the workspace with -C.',
    });
  }
  return { directory, sets: await loadSets(directory) };
}

/**
 * Finds the folders of a set of a workspace and its vault, which need not exist yet.
 * @throws {SetError} `missing-variable`, `vault-holds-root`. {OpenError} `remote-not-supported`.
 */
export async function placeSet(
  { directory: workspace, sets }: OpenedWorkspace,
  set: BackupSet,
  vault: string | undefined,
  surroundings: Surroundings,
): Promise<PlacedSet> {
  const home = homeOf(surroundings);
  const named = vault === undefined ? undefined : vaultDirectoryOf(vault, surroundings.cwd);
  const environment: SetEnvironment = {
    env: surroundings.env,
    userHome: surroundings.userHome,
    secret: secretsOf(surroundings, workspace),
  };
  const others = await vaultFoldersOf(
    sets.filter(({ name }) => name !== set.name),
    { ...environment, workspaceFolder: workspace },
  );
  const resolved = await resolveSet(set, workspace, {
    ...environment,
    leftOut: [home, cacheOf(surroundings), ...(named === undefined ? [] : [named]), ...others],
  });
  const own =
    named ?? (resolved.vault === undefined ? undefined : vaultDirectoryOf(resolved.vault, workspace));
  const vaultDirectory =
    own ?? defaultVaultDirectory(home, await realPathOf(workspace), surroundings.platform);
  return { workspace, set: resolved, vaultDirectory };
}

/** The folders that sets name as their vaults; one that cannot be told is that set's own trouble. */
async function vaultFoldersOf(sets: readonly BackupSet[], variables: Variables): Promise<string[]> {
  const folders: string[] = [];
  for (const { name, vault } of sets) {
    if (vault === undefined) continue;
    try {
      folders.push(await resolveVault(vault, name, variables));
    } catch (error) {
      if (!(error instanceof SetError)) throw error;
    }
  }
  return folders.filter((folder) => !isRemote(folder));
}

/**
 * Opens a set of a workspace with its vault.
 * @throws {SetError} also `several-sets` or `unknown-set`; else what {@link openVault} throws.
 */
export async function openSet(named: Named, surroundings: Surroundings): Promise<OpenedSet> {
  const opened = await openWorkspace(named.workspace, surroundings);
  const placed = await placeSet(opened, chooseSet(opened.sets, named.set), named.vault, surroundings);
  return { ...placed, vault: await openVaultOf([placed], named, surroundings) };
}

/** Opens the vault that sets share; where it is not there, the one they may have had before is named. */
async function openVaultOf(
  placed: readonly PlacedSet[],
  { vault, keyFile }: Named,
  surroundings: Surroundings,
): Promise<Vault> {
  const [{ vaultDirectory: directory } = { vaultDirectory: '' }] = placed;
  try {
    return await openVault(directory, keyFile, surroundings);
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'no-vault') throw error;
    if (vault !== undefined || (await wasVaultMadeAt(directory, surroundings))) throw error;
    const former = await formerVault(placed, surroundings);
    if (former === undefined) throw error;
    const { sentence, hint } = tellFormerVault(former);
    throw new VaultError('no-vault', `There is no vault at ${directory}. ${sentence}`, {
      cause: error,
      hint: `${hint} “crm-backup init” would begin a new one.`,
    });
  }
}

/**
 * Opens a vault to read from: the one that is named, which needs no workspace unless `needsWorkspace` says so, else that
 * of the workspace's set. When the workspace has several sets in one vault and none is named, all of them are meant.
 * @throws {SetError} `no-set-file`, `several-sets`, `unknown-set`; else what {@link openVault} throws.
 */
export async function openForReading(
  named: Named,
  surroundings: Surroundings,
  needsWorkspace = false,
): Promise<OpenedVault> {
  if (named.vault !== undefined && named.workspace === undefined && !needsWorkspace) {
    const directory = vaultDirectoryOf(named.vault, surroundings.cwd);
    const vault = await openVault(directory, named.keyFile, surroundings);
    return { vault, setName: named.set, placed: [] };
  }
  const opened = await openWorkspace(named.workspace, surroundings);
  const { sets } = opened;
  const chosen = named.set === undefined && sets.length > 1 ? undefined : chooseSet(sets, named.set);
  const candidates = chosen === undefined ? sets : [chosen];
  const placed = await Promise.all(candidates.map((set) => placeSet(opened, set, named.vault, surroundings)));
  const places = new Set(placed.map(({ vaultDirectory }) => vaultDirectory));
  const [, ...others] = places;
  // Several sets in several vaults: chooseSet says that one must be named.
  if (others.length > 0) chooseSet(sets);
  const vault = await openVaultOf(placed, named, surroundings);
  return { vault, setName: chosen?.name, placed };
}

/**
 * Opens the vault in a folder with the key that was named or that lies in the user's data.
 * @throws {VaultError} `no-vault`, `newer-format`, `missing-key`, `invalid-key`, `wrong-key`, `damaged`,
 * `unsupported-runtime`. {StorageError} when the disk cannot be read.
 */
export async function openVault(
  directory: string,
  keyFile: string | undefined,
  surroundings: Surroundings,
): Promise<Vault> {
  const storage = new LocalStorage(directory);
  const id = await Vault.identify(storage);
  if (id === undefined && (await wasVaultMadeAt(directory, surroundings))) {
    throw new VaultError('no-vault', `The vault at ${directory} is not there any more.`, {
      hint: 'If it is on a disk that is not connected, connect it and try again; “crm-backup init” would begin a new vault.',
    });
  }
  // Without an id there is no vault, which opening it says better than a missing key.
  const key = id === undefined ? undefined : await findKey(id, keyFile, surroundings);
  const vault = await Vault.open(storage, key?.unlock ?? { secret: Buffer.alloc(0) });
  vault.cacheRecordsIn(join(cacheOf(surroundings), 'records', vault.id));
  return vault;
}

/** The absolute folder a vault is named by. @throws {OpenError} `remote-not-supported`. */
export function vaultDirectoryOf(vault: string, base: string): string {
  if (vault.startsWith('rclone:')) {
    throw new OpenError(
      'remote-not-supported',
      `The vault ${vault} is remote, which this version cannot use yet.`,
      {
        hint: 'Use a folder as the vault, for example one that rclone mounts.',
      },
    );
  }
  return resolve(base, vault);
}

async function realPathOf(directory: string): Promise<string> {
  return realpath(directory).catch(() => directory);
}
