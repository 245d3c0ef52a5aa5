import { randomBytes } from 'node:crypto';
import { CrmBackupError } from '../errors.ts';
import { type Storage, StorageError } from '../storage/storage.ts';
import { type BadFrames, badFramesIn, indexOf, type PackNote, withBadFrames } from './bad-frames.ts';
import { ChunkIds } from './chunk-id.ts';
import { type Chunker, CHUNK_SIZES, createChunker } from './chunker.ts';
import {
  checkConfig,
  CONFIG_NAME,
  encodeConfig,
  findConfigs,
  FORMAT,
  type FoundConfig,
  type VaultConfig,
} from './config.ts';
import { VaultError } from './error.ts';
import { requireDictionaries } from './frame.ts';
import type { ChunkIndex } from './index.ts';
import { surveyPacks } from './index-file.ts';
import { type EnvelopeKind, type Unlock, unwrapMasterKey, wrapMasterKey } from './key.ts';
import { encodeKeyFile, type KeyFile, readKeyFiles } from './key-file.ts';
import type { EntryView } from './manifest-entry.ts';
import { readSegments } from './manifest.ts';
import { encodeNotes, type Note, readNotes } from './notes.ts';
import { type ListedPack, readFooter } from './pack.ts';
import { ChunkReader } from './reader.ts';
import { type ListingOptions, RecordList, type RecordListing } from './record-list.ts';
import {
  type BackupRecord,
  decodeRecord,
  encodeRecord,
  forgottenName,
  type RecordContent,
  recordName,
} from './record.ts';
import { deriveKeys, type VaultKeys } from './seal.ts';

/** An index for writing, and the packs an interrupted backup has left, which it includes. */
export interface WritableIndex {
  readonly index: ChunkIndex;
  readonly adopted: ListedPack[];
}

/** A vault that has been opened with a key. */
export class Vault {
  readonly storage: Storage;
  /** 32 hex digits. */
  readonly id: string;
  readonly keys: VaultKeys;
  readonly chunkIds: ChunkIds;
  readonly chunker: Chunker;
  readonly reader: ChunkReader;
  /** The configuration the vault was opened with; `isCopy` when its `vault.json` is damaged or lost. */
  readonly config: FoundConfig;
  readonly #masterKey: Buffer;
  readonly #records: RecordList;
  #index: Promise<ChunkIndex> | undefined;

  private constructor(storage: Storage, found: FoundConfig, masterKey: Buffer, keys: VaultKeys) {
    this.storage = storage;
    this.id = found.config.id;
    this.config = found;
    this.#masterKey = masterKey;
    this.keys = keys;
    this.chunkIds = new ChunkIds(this.keys.chunkId);
    this.chunker = createChunker(this.keys.gear, found.config.chunkSizes);
    this.reader = new ChunkReader(storage, this.keys, this.chunkIds);
    this.#records = new RecordList(storage, keys);
  }

  /**
   * Makes a vault in an empty place. The id can be drawn before ({@link createVaultId}), so that a key can be put where
   * it belongs before there is a vault that needs it.
   * @throws {VaultError} `vault-exists`, `unsupported-runtime`.
   */
  static async create(
    storage: Storage,
    kind: EnvelopeKind,
    unlock: Unlock,
    id: string = createVaultId(),
  ): Promise<Vault> {
    requireDictionaries();
    if ((await storage.size(CONFIG_NAME)) !== undefined) throw vaultExists(storage);
    const masterKey = randomBytes(32);
    const config: VaultConfig = {
      format: FORMAT,
      id,
      createdAt: new Date().toISOString(),
      chunkSizes: CHUNK_SIZES,
    };
    const keys = deriveKeys(masterKey, Buffer.from(id, 'hex'));
    const text = encodeConfig(keys, config);
    const vault = new Vault(storage, { config, text, isCopy: false }, masterKey, keys);
    await vault.addKey(kind, unlock);
    // The configuration comes last: before it there is no vault.
    if (!(await storage.create(CONFIG_NAME, Buffer.from(text)))) throw vaultExists(storage);
    return vault;
  }

  /**
   * The id of the vault at a place, readable without a key; undefined when there is none.
   * @throws {VaultError} `newer-format`, `damaged`.
   */
  static async identify(storage: Storage): Promise<string | undefined> {
    return (await findConfigs(storage))[0]?.config.id;
  }

  /**
   * Opens a vault.
   * @throws {VaultError} `no-vault`, `newer-format`, `wrong-key`, `damaged`, `unsupported-runtime`.
   */
  static async open(storage: Storage, unlock: Unlock): Promise<Vault> {
    requireDictionaries();
    const candidates = await findConfigs(storage);
    if (candidates.length === 0) {
      throw new VaultError('no-vault', `There is no vault at ${storage.location}.`, {
        hint: 'Run “crm-backup init” in the workspace, or name the vault with --vault.',
      });
    }
    const files = await readKeyFiles(storage);
    for (const found of candidates) {
      const vaultId = Buffer.from(found.config.id, 'hex');
      for (const { envelope } of files) {
        const masterKey = envelope && (await unwrapMasterKey(envelope, vaultId, unlock));
        if (masterKey === undefined) continue;
        const keys = deriveKeys(masterKey, vaultId);
        checkConfig(keys, found, storage);
        return new Vault(storage, found, masterKey, keys);
      }
    }
    throw closedVault(storage, files);
  }

  /** Adds one more way to open the vault; `replaces` removes the older ones of its kind afterwards. */
  async addKey(kind: EnvelopeKind, unlock: Unlock, replaces = false): Promise<void> {
    const older = replaces ? await readKeyFiles(this.storage) : [];
    const { vaultId } = this.keys;
    const envelope = await wrapMasterKey(this.#masterKey, vaultId, kind, unlock, this.config.text);
    const { name, bytes } = encodeKeyFile(envelope);
    await this.storage.write(name, [bytes]);
    for (const file of older) {
      if (file.envelope?.kind === kind) await this.storage.remove(file.name);
    }
  }

  /** The index for reading; read once, then kept until {@link forgetIndex}. */
  async index(): Promise<ChunkIndex> {
    this.#index ??= this.writableIndex().then(({ index }) => index);
    const index = this.#index;
    try {
      return await index;
    } catch (error) {
      // A disk that did not answer may answer next time.
      if (this.#index === index) this.#index = undefined;
      throw error;
    }
  }

  /** Drops the kept index, because packs have come or gone. */
  forgetIndex(): void {
    this.#index = undefined;
  }

  /**
   * A fresh index to write with. Only packs seen to stand in the storage with their right size count; packs that no
   * index file lists are read by their footers, so that what an interrupted backup stored is used again. What stands only
   * in frames that were found damaged is not trusted.
   */
  async writableIndex(): Promise<WritableIndex> {
    const [survey, bad] = await Promise.all([surveyPacks(this.storage, this.keys), this.badFrames()]);
    const adopted: ListedPack[] = [];
    for (const { id, bytes } of survey.unlisted) {
      try {
        adopted.push(await readFooter(this.storage, this.keys, id, bytes));
      } catch (error) {
        // A pack without a readable footer holds nothing anybody refers to, or is for repair to name.
        if (!(error instanceof CrmBackupError)) throw error;
      }
    }
    const index = indexOf([...survey.present, ...adopted], bad);
    if (index.hasBad) index.dropUndecodable();
    return { index, adopted };
  }

  /** Keeps what the records say in a file of the user's own from now on, sealed, so that many are read at once. */
  cacheRecordsIn(file: string): void {
    this.#records.cacheIn(file);
  }

  /**
   * All backups with what is noted on them, newest first. Damaged records are told apart, not thrown.
   * @param options `fromVault`: no record counts that was not read in the vault itself by this process
   */
  async records(options: ListingOptions = {}): Promise<RecordListing> {
    return this.#records.list(options);
  }

  /** Writes a record: from here on the backup exists. Call only when all it names is durable. */
  async commit(content: RecordContent): Promise<BackupRecord> {
    const { id, bytes } = encodeRecord(this.keys, content);
    await this.storage.write(recordName(id), [bytes]);
    return decodeRecord(this.keys, id, bytes);
  }

  /** Notes something on a backup: a label, a pin, a verification. */
  async note(...notes: Omit<Note, 'at'>[]): Promise<void> {
    await this.#note(notes);
  }

  /** The frames that were found damaged and are not known to be right again. */
  async badFrames(): Promise<BadFrames> {
    return badFramesIn((await readNotes(this.storage, this.keys)).packs);
  }

  /** Notes which frames of some packs are damaged, all there are in each; what is noted already is not noted again. */
  async noteBadFrames(found: BadFrames): Promise<void> {
    const noted = await this.badFrames();
    const notes: Omit<PackNote, 'at'>[] = [];
    for (const [pack, frames] of found) {
      const known = noted.get(pack) ?? new Set();
      const isKnown = frames.size === known.size && [...frames].every((frame) => known.has(frame));
      if (!isKnown) notes.push({ pack, badFrames: [...frames] });
    }
    if (notes.length === 0) return;
    await this.#note(notes);
    this.forgetIndex();
  }

  /** Notes that frames are damaged, besides those that are noted. */
  async noteMoreBadFrames(found: BadFrames): Promise<void> {
    if (found.size === 0) return;
    const noted = await this.badFrames();
    const both = withBadFrames(noted, found);
    await this.noteBadFrames(new Map([...both].filter(([pack]) => found.has(pack))));
  }

  /** Notes the frames that reading has found damaged, if the vault can be written to. */
  async noteDamageMet(): Promise<void> {
    try {
      await this.noteMoreBadFrames(this.reader.takeDamaged());
    } catch (error) {
      // It is met again.
      if (!(error instanceof StorageError)) throw error;
    }
  }

  async #note(notes: readonly (Omit<Note, 'at'> | Omit<PackNote, 'at'>)[]): Promise<void> {
    const at = new Date().toISOString();
    const { name, bytes } = encodeNotes(
      this.keys,
      notes.map((note) => ({ ...note, at })),
    );
    await this.storage.write(name, [bytes]);
  }

  /** Takes a backup off the list; until the next prune it can be taken back with {@link unforget}. */
  async forget(id: string): Promise<void> {
    const bytes = await this.storage.read(recordName(id));
    await this.storage.write(forgottenName(id), [bytes]);
    await this.storage.remove(recordName(id));
  }

  /** Puts a forgotten backup back on the list. */
  async unforget(id: string): Promise<void> {
    const bytes = await this.storage.read(forgottenName(id));
    decodeRecord(this.keys, id, bytes);
    await this.storage.write(recordName(id), [bytes]);
    await this.storage.remove(forgottenName(id));
  }

  /** The entries of a backup in order, or only `under` and what is below it. */
  async *entries(record: Pick<BackupRecord, 'manifest'>, under?: string): AsyncGenerator<EntryView> {
    const index = await this.index();
    yield* readSegments(record.manifest, (id) => this.reader.readChunk(id, index), under);
  }
}

/** A new random id for a vault: 32 hex digits. */
export function createVaultId(): string {
  return randomBytes(16).toString('hex');
}

function vaultExists(storage: Storage): VaultError {
  return new VaultError('vault-exists', `There is a vault at ${storage.location} already.`, {
    hint: 'Use it, or name another place with --vault.',
  });
}

/** Why no key file opened: the secret is another one, or the file that it opens is damaged. */
function closedVault(storage: Storage, files: readonly KeyFile[]): VaultError {
  const damaged = files.find((file) => !file.isIntact);
  if (damaged !== undefined) {
    return new VaultError(
      'damaged',
      `The key does not open the vault at ${storage.location}, and ${damaged.name} in it is damaged.`,
      {
        hint: 'Use another key of this vault, or copy that file back from a replica; it is of no use without a key.',
      },
    );
  }
  return new VaultError('wrong-key', `The key does not open the vault at ${storage.location}.`, {
    hint: 'Use the key file made with this vault, its recovery key (--key-file) or its passphrase.',
  });
}
