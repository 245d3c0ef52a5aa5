import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { replaceFile } from '../replace-file.ts';
import { type BackupRecord, type WrittenRecord, fromWritten, toWritten } from './record.ts';
import { open, seal, type VaultKeys } from './seal.ts';

/** A record as it was read, and what its object looked like then. */
export interface CachedRecord {
  readonly record: BackupRecord;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Another number begins anew. */
const FORMAT = 1;
const NOWHERE = Buffer.alloc(0);
const MOST_BYTES = 512 * 1024 * 1024;
/** Fewer are read faster than they are written. */
const WORTH_WRITING = 64;
/** What nobody has written to for so long is of a vault that is gone, or quickly made anew. */
const KEPT_MS = 30 * 24 * 3_600_000;

type Line = readonly [bytes: number, modifiedMs: number, record: WrittenRecord];

/**
 * The records of a vault, as they were when they were last read, in one file of the user's own, sealed with the vault's
 * key: reading ten thousand objects one by one takes seconds. It may be lost, damaged or stale at any time; a record
 * counts only while its object looks as it did.
 */
export class RecordCache {
  readonly #file: string;
  readonly #keys: VaultKeys;
  #known: Map<string, CachedRecord> | undefined;

  constructor(file: string, keys: VaultKeys) {
    this.#file = file;
    this.#keys = keys;
  }

  /** The record of an object that looks like this; undefined when it has to be read. */
  find(id: string, bytes: number, modifiedMs: number): BackupRecord | undefined {
    const cached = (this.#known ??= this.#load()).get(id);
    return cached?.bytes === bytes && cached.modifiedMs === modifiedMs ? cached.record : undefined;
  }

  /** Keeps these and no others, when enough of them is different to be worth it. What fails is not kept. */
  keep(records: ReadonlyMap<string, CachedRecord>): void {
    const known = (this.#known ??= this.#load());
    const fresh = [...records].filter(([id, { record }]) => known.get(id)?.record !== record).length;
    const gone = known.size - (records.size - fresh);
    if (fresh + gone < WORTH_WRITING) return;
    this.#known = new Map(records);
    try {
      const lines = [...records.values()].map(({ record, bytes, modifiedMs }): Line => [
        bytes,
        modifiedMs,
        toWritten(record, bytes),
      ]);
      const plain = Buffer.from(JSON.stringify({ format: FORMAT, ids: [...records.keys()], lines }));
      replaceFile(this.#file, seal(this.#keys, 'record-cache', NOWHERE, zstdCompressSync(plain)));
      this.#sweep();
    } catch {
      // A full disk: then they are read one by one the next time.
    }
  }

  #load(): Map<string, CachedRecord> {
    const known = new Map<string, CachedRecord>();
    try {
      const sealed = open(this.#keys, 'record-cache', NOWHERE, readFileSync(this.#file));
      const plain = zstdDecompressSync(sealed, { maxOutputLength: MOST_BYTES });
      const read = JSON.parse(plain.toString()) as { format: number; ids: string[]; lines: Line[] };
      if (read.format !== FORMAT) return known;
      for (const [at, [bytes, modifiedMs, written]] of read.lines.entries()) {
        const id = read.ids[at]!;
        known.set(id, { record: fromWritten(id, written, bytes), bytes, modifiedMs });
      }
      return known;
    } catch {
      // Missing, damaged, or sealed with another key: made anew.
      return new Map();
    }
  }

  /** Removes what other vaults have left that are gone, and unfinished writes. */
  #sweep(): void {
    const folder = dirname(this.#file);
    for (const name of readdirSync(folder)) {
      if (name === basename(this.#file)) continue;
      const file = join(folder, name);
      if (Date.now() - statSync(file).mtimeMs > KEPT_MS) rmSync(file, { force: true });
    }
  }
}
