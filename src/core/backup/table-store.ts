import { CONTINUES, RowChunker } from '../database/row-chunks.ts';
import { TableChecksum } from '../database/table-checksum.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import { ChunkList } from './chunk-list.ts';

/** A table as it went into the vault. */
export interface StoredTable {
  readonly chunks: Buffer;
  /** For each chunk a hash of its first key. */
  readonly firstKeys: Uint32Array;
  readonly rows: number;
  readonly bytes: number;
  readonly checksum: string;
}

/** What the backup before has of a table. */
export interface TableBase {
  readonly chunks: Buffer;
  /** Empty when they are not known. */
  readonly firstKeys: Uint32Array;
}

/** How much shorter than a new chunk its predecessor may be without the one behind it, or how far off a guess is. */
const SLACK_BYTES = 1024;

/** Cuts a table’s rows and puts the chunks into the vault, each against those it probably replaces. */
export class TableStore {
  readonly #writer: ChunkWriter;
  readonly #base: TableBase;
  readonly #byFirstKey = new Map<number, number>();
  readonly #chunker: RowChunker;
  readonly #checksum: TableChecksum;
  readonly #ids = new ChunkList();
  #firstKeys = new Uint32Array(64);
  /** Where in the base the next chunk is thought to begin: a chunk of it, and how many bytes into that. */
  #place = 0;
  #into = 0;

  constructor(writer: ChunkWriter, key: readonly number[], seed: number, base: TableBase) {
    this.#writer = writer;
    this.#base = base;
    for (const [number, firstKey] of base.firstKeys.entries()) {
      if (firstKey !== CONTINUES) this.#byFirstKey.set(firstKey, number);
    }
    this.#checksum = new TableChecksum(key);
    this.#chunker = new RowChunker(key, seed, (chunk, firstKey) => this.#put(chunk, firstKey));
  }

  /** Takes the next bytes of rows. */
  write(block: Buffer, rows?: number): void {
    this.#checksum.update(block, rows);
    this.#chunker.write(block);
  }

  /** Ends the table. */
  finish(): StoredTable {
    this.#chunker.finish();
    const firstKeys = this.#firstKeys.slice(0, this.#ids.count);
    return { chunks: this.#ids.finish(), firstKeys, ...this.#checksum.value };
  }

  #put(chunk: Buffer, firstKey: number): void {
    const known = this.#byFirstKey.get(firstKey);
    if (known !== undefined) {
      this.#place = known;
      this.#into = 0;
    }
    const isGuess = known === undefined && firstKey !== CONTINUES;
    const from = isGuess && this.#into < SLACK_BYTES ? Math.max(0, this.#place - 1) : this.#place;
    const to = this.#reach(this.#into + chunk.length - (isGuess ? 0 : SLACK_BYTES));
    const base = this.#base.chunks.subarray(from * CHUNK_ID_BYTES, to * CHUNK_ID_BYTES);
    const number = this.#ids.count;
    this.#ids.add(this.#writer.put('rows', chunk, base));
    this.#advance(chunk.length);
    if (number === this.#firstKeys.length) {
      const grown = new Uint32Array(number * 2);
      grown.set(this.#firstKeys);
      this.#firstKeys = grown;
    }
    this.#firstKeys[number] = firstKey;
  }

  /** Behind as many chunks of the base, from the place on, as it takes to hold so many bytes. */
  #reach(bytes: number): number {
    let to = this.#place;
    for (let held = 0; to < this.#baseCount && held < bytes; to++) held += this.#baseBytes(to);
    return to;
  }

  #advance(bytes: number): void {
    this.#into += bytes;
    while (this.#place < this.#baseCount && this.#into >= this.#baseBytes(this.#place)) {
      this.#into -= this.#baseBytes(this.#place);
      this.#place++;
    }
  }

  get #baseCount(): number {
    return this.#base.chunks.length / CHUNK_ID_BYTES;
  }

  #baseBytes(chunk: number): number {
    return this.#writer.bytesOf(this.#base.chunks, chunk * CHUNK_ID_BYTES);
  }
}
