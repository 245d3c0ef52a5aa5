import { createVault, wasVaultMadeAt } from '../core/create-vault.ts';
import { usageOf } from '../core/metrics/usage.ts';
import { openVault, openWorkspace, type PlacedSet, placeSet } from '../core/open.ts';
import { findBackup } from '../core/reference.ts';
import { chooseSet } from '../core/set/load.ts';
import { LocalStorage } from '../core/storage/local.ts';
import { StorageError } from '../core/storage/storage.ts';
import type { Surroundings } from '../core/surroundings.ts';
import { VaultError } from '../core/vault/error.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { RecordListing } from '../core/vault/record-list.ts';
import { Vault } from '../core/vault/vault.ts';
import type { InSet, OfBackup } from './protocol.ts';

/** One backup of a set whose vault is open. */
export interface OpenBackup {
  readonly placed: PlacedSet;
  readonly vault: Vault;
  readonly record: BackupRecord;
  /** All that the vault's records said when it was opened. */
  readonly listing: RecordListing;
}

/** An editor of many files goes on asking for them for as long as somebody scrolls. */
const RECENT_MS = 20_000;

/** The vaults this process has open, so that a second look costs little. */
export class Vaults {
  readonly surroundings: Surroundings;
  readonly #open = new Map<string, Vault>();
  readonly #recent = new Map<string, Promise<OpenBackup>>();
  /** The backups each vault had when its index was last read. */
  readonly #seen = new WeakMap<Vault, string>();
  readonly #stored = new WeakMap<Vault, { readonly by: string; readonly bytes: number }>();

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
  }

  /** A set of a workspace: its folders, and where its vault is. Throws what `placeSet` throws. */
  async place({ workspace, set }: InSet): Promise<PlacedSet> {
    const opened = await openWorkspace(workspace, this.surroundings);
    return placeSet(opened, chooseSet(opened.sets, set), undefined, this.surroundings);
  }

  /** The vault in a folder; undefined when there is none and there never was one. Throws what `openVault` throws. */
  async at(directory: string): Promise<Vault | undefined> {
    const id = await Vault.identify(new LocalStorage(directory));
    if (id === undefined && !(await wasVaultMadeAt(directory, this.surroundings))) return undefined;
    const known = this.#open.get(directory);
    if (known !== undefined && known.id === id) return known;
    const vault = await openVault(directory, undefined, this.surroundings);
    this.#open.set(directory, vault);
    return vault;
  }

  /** The vault in a folder, made where there never was one. */
  async provide(directory: string): Promise<Vault> {
    const present = await this.at(directory);
    if (present !== undefined) return present;
    const { vault } = await createVault(directory, undefined, this.surroundings);
    this.#open.set(directory, vault);
    return vault;
  }

  /** What a vault's records say now. When backups have come or gone, its index is read anew on the next use. */
  async records(vault: Vault): Promise<RecordListing> {
    const listing = await vault.records();
    const ids = listing.records.map(({ id }) => id).join('');
    if (this.#seen.get(vault) !== ids) vault.forgetIndex();
    this.#seen.set(vault, ids);
    return listing;
  }

  /** Bytes a vault takes on disk, counted again when its backups or its index files are others than the last time. */
  async storedBytes(vault: Vault, records: readonly BackupRecord[]): Promise<number> {
    const index = await vault.storage.list('index');
    const by = [...records.map(({ id }) => id), ...index.map(({ name }) => name)].join('');
    const known = this.#stored.get(vault);
    if (known?.by === by) return known.bytes;
    const { total: bytes } = await usageOf(vault.storage);
    this.#stored.set(vault, { by, bytes });
    return bytes;
  }

  /**
   * Opens one backup of a set to read from. An editor reads a hundred files at once: what was found a moment ago
   * is not looked for again.
   * @throws {VaultError} `no-vault`, `unknown-backup` …
   */
  async backupToRead(target: OfBackup): Promise<OpenBackup> {
    const key = JSON.stringify([target.workspace, target.set, target.backup]);
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const found = this.backup(target);
    this.#recent.set(key, found);
    const forget = (): void => {
      if (this.#recent.get(key) === found) this.#recent.delete(key);
    };
    setTimeout(forget, RECENT_MS).unref();
    // What could not be opened may be there the next moment.
    found.catch(forget);
    return found;
  }

  /**
   * Opens one backup of a set.
   * @throws {VaultError} `no-vault`, `unknown-backup` …
   */
  async backup({ workspace, set, backup }: OfBackup): Promise<OpenBackup> {
    const placed = await this.place({ workspace, set });
    const vault = await this.existing(placed);
    const listing = await this.records(vault);
    return { placed, vault, record: findBackup(listing, backup, set), listing };
  }

  /** The vault of a set. @throws {VaultError} `no-vault` */
  async existing({ vaultDirectory, set }: PlacedSet): Promise<Vault> {
    const vault = await this.at(vaultDirectory);
    if (vault !== undefined) return vault;
    throw new VaultError('no-vault', `Set “${set.name}” has no backups yet.`, {
      hint: 'Take the first one.',
    });
  }
}

/** Reads from a vault; when another process has moved what is read meanwhile, looks once more where it is now. */
export async function reading<T>(vault: Vault, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const moved =
      (error instanceof VaultError && error.code === 'missing-chunk') ||
      (error instanceof StorageError && error.code === 'missing');
    if (!moved) throw error;
    vault.forgetIndex();
    return read();
  }
}
