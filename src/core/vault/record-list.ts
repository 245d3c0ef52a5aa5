import type { Storage } from '../storage/storage.ts';
import { VaultError } from './error.ts';
import { foldNotes, type Noted, readNotes } from './notes.ts';
import { type CachedRecord, RecordCache } from './record-cache.ts';
import { type BackupRecord, decodeRecord, type ListedRecord, listRecords, recordName } from './record.ts';
import type { VaultKeys } from './seal.ts';

/** Records read at once. */
const PARALLEL_READS = 32;

/** What a vault's records say, and what could not be read. */
export interface RecordListing {
  /** Newest first. */
  readonly records: BackupRecord[];
  readonly damaged: { readonly id: string; readonly error: VaultError }[];
}

export interface ListingOptions {
  /** No record counts that was not read in the vault itself by this process. */
  readonly fromVault?: boolean;
}

/** The backups of a vault: their records, read once by a process, and what is noted on them. */
export class RecordList {
  readonly #storage: Storage;
  readonly #keys: VaultKeys;
  readonly #read = new Map<string, BackupRecord>();
  #cache: RecordCache | undefined;

  constructor(storage: Storage, keys: VaultKeys) {
    this.#storage = storage;
    this.#keys = keys;
  }

  /** Keeps what the records say in a file of the user's own from now on, sealed, so that many are read at once. */
  cacheIn(file: string): void {
    this.#cache = new RecordCache(file, this.#keys);
  }

  /** All backups with what is noted on them, newest first. Damaged records are told apart, not thrown. */
  async list({ fromVault = false }: ListingOptions = {}): Promise<RecordListing> {
    const [listed, { notes }] = await Promise.all([
      listRecords(this.#storage, 'backups'),
      readNotes(this.#storage, this.#keys),
    ]);
    const folded = foldNotes(notes);
    const found = new Map<string, CachedRecord>();
    const listing: RecordListing = { records: [], damaged: [] };
    const unread: ListedRecord[] = [];
    for (const object of listed) {
      const { id, bytes, modifiedMs } = object;
      const record = this.#read.get(id) ?? (fromVault ? undefined : this.#cache?.find(id, bytes, modifiedMs));
      if (record === undefined) unread.push(object);
      else found.set(id, { ...object, record });
    }
    for (let at = 0; at < unread.length; at += PARALLEL_READS) {
      const batch = unread.slice(at, at + PARALLEL_READS);
      await Promise.all(batch.map((object) => this.#readInto(listing, found, object)));
    }
    this.#cache?.keep(found);
    for (const [id, { record }] of found) listing.records.push(withNotes(record, folded.get(id)));
    listing.records.sort(newestFirst);
    return listing;
  }

  async #readInto(
    listing: RecordListing,
    found: Map<string, CachedRecord>,
    object: ListedRecord,
  ): Promise<void> {
    const { id } = object;
    try {
      const record = decodeRecord(this.#keys, id, await this.#storage.read(recordName(id)));
      this.#read.set(id, record);
      found.set(id, { ...object, record });
    } catch (error) {
      if (error instanceof VaultError) listing.damaged.push({ id, error });
      else if ((await this.#storage.size(recordName(id))) !== undefined) throw error;
    }
  }
}

/** The order in which backups are shown: newest first. */
export function newestFirst(a: BackupRecord, b: BackupRecord): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

function withNotes(record: BackupRecord, noted: Noted | undefined): BackupRecord {
  if (noted === undefined) return record;
  return {
    ...record,
    label: noted.label === undefined ? record.label : (noted.label ?? undefined),
    pinned: noted.pinned ?? record.pinned,
    verifiedAt: noted.verifiedAt ?? record.verifiedAt,
    damagedAt: noted.damagedAt,
    lostPaths: noted.lostPaths ?? record.lostPaths,
  };
}
