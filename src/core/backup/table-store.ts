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

/** How much shorter than a new chunk its predecessor may be without the one behind it. */
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
  /** The base’s chunk behind the last one that was known again. */
  #next = 0;

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
    const from = known ?? Math.max(0, this.#next - (firstKey === CONTINUES ? 0 : 1));
    const to = this.#reach(from, chunk.length);
    const { chunks } = this.#base;
    const base = chunks.subarray(from * CHUNK_ID_BYTES, to * CHUNK_ID_BYTES);
    const number = this.#ids.count;
    this.#ids.add(this.#writer.put('rows', chunk, base));
    this.#next = known === undefined && firstKey !== CONTINUES ? this.#next : from + 1;
    if (number === this.#firstKeys.length) {
      const grown = new Uint32Array(number * 2);
      grown.set(this.#firstKeys);
      this.#firstKeys = grown;
    }
    this.#firstKeys[number] = firstKey;
  }

  /** Behind as many chunks of the base as it takes to hold so many bytes. */
  #reach(from: number, bytes: number): number {
    const { chunks } = this.#base;
    const count = chunks.length / CHUNK_ID_BYTES;
    let to = from;
    for (let held = 0; to < count && held < bytes - SLACK_BYTES; to++) {
      held += this.#writer.bytesOf(chunks, to * CHUNK_ID_BYTES);
    }
    return to;
  }
}
