import { CHUNK_ID_BYTES } from './chunk-id.ts';
import type { ChunkIndex } from './index.ts';

const MIB = 1024 * 1024;
/** A dictionary is full when it holds so much. */
const FULL_BYTES = 1.5 * MIB;
const FULL_CHUNKS = 4096;
/** More dictionary than this many times the chunk, and than a few chunks, is not worth reading. */
const DICTIONARY_TIMES = 2;
const FEW_CHUNKS_BYTES = 2 * MIB;

/**
 * The chunks that may serve as dictionary for a chunk of so many bytes that replaces `base`, as ids; empty when there
 * are none. Only frames below `frameLimit` can be read.
 */
export function dictionaryFor(
  index: ChunkIndex,
  base: Buffer,
  chunkBytes: number,
  frameLimit: number,
): Buffer {
  const parts: Buffer[] = [];
  let chunks = 0;
  let bytes = 0;
  const mostBytes = Math.max(FEW_CHUNKS_BYTES, chunkBytes * DICTIONARY_TIMES);
  for (let at = 0; at < base.length && bytes < mostBytes; at += CHUNK_ID_BYTES) {
    const part = index.dictionaryFor(base, at, frameLimit);
    chunks += part.length / CHUNK_ID_BYTES;
    if (chunks > FULL_CHUNKS) break;
    for (let id = 0; id < part.length; id += CHUNK_ID_BYTES) {
      bytes += index.bytesOf(index.find(part, id));
    }
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** The dictionary of a delta frame that is being filled: chunks in the order they were entered. */
export class DeltaDictionary {
  readonly #index: ChunkIndex;
  readonly #ids: Buffer[] = [];
  readonly #numbers = new Map<string, number>();
  #bytes = 0;

  constructor(index: ChunkIndex) {
    this.#index = index;
  }

  get isFull(): boolean {
    return this.#bytes >= FULL_BYTES || this.#ids.length >= FULL_CHUNKS;
  }

  /** The ids of all its chunks. */
  get ids(): Buffer {
    return Buffer.concat(this.#ids);
  }

  /** Enters chunks, sharing those that stand at its end already; where they begin. */
  enter(ids: Buffer): number {
    const run: string[] = [];
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      run.push(ids.toString('latin1', at, at + CHUNK_ID_BYTES));
    }
    let from = this.#numbers.get(run[0]!) ?? this.#ids.length;
    const shared = Math.min(run.length, this.#ids.length - from);
    for (let number = 0; number < shared; number++) {
      if (this.#numbers.get(run[number]!) !== from + number) from = this.#ids.length;
    }
    for (let number = this.#ids.length - from; number < run.length; number++) {
      const id = ids.subarray(number * CHUNK_ID_BYTES, (number + 1) * CHUNK_ID_BYTES);
      this.#numbers.set(run[number]!, this.#ids.length);
      this.#ids.push(id);
      this.#bytes += this.#index.bytesOf(this.#index.find(id, 0));
    }
    return from;
  }
}
