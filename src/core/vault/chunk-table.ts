import { CHUNK_ID_BYTES } from './chunk-id.ts';

/** Chunks are kept in blocks of so many, so that growing copies nothing. */
const BLOCK_BITS = 10;
const BLOCK_CHUNKS = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_CHUNKS - 1;
const BLOCK_BYTES = BLOCK_CHUNKS * (CHUNK_ID_BYTES + 3 * 4);
const FIRST_SLOTS = 1024;
/** The frame of a chunk that is only known to serve in a dictionary. */
const NOWHERE = 0xffffffff;

/** Where a chunk stands. */
export interface ChunkPlace {
  /** The frame's number in the index. */
  readonly frame: number;
  /** Where the chunk begins in the frame's plain bytes. */
  readonly offset: number;
  readonly bytes: number;
}

interface Block {
  readonly ids: Buffer;
  readonly frames: Uint32Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** For a chunk in a delta frame: its range in the frame's dictionary, from and count in 16 bits each. */
  ranges: Uint32Array | undefined;
}

/**
 * Chunk ids and where their chunks stand: open addressing over typed arrays, at most 64 bytes a chunk. Ids are keyed
 * hashes, so their first bytes serve as the hash. Chunks have numbers from 0 on, also those nobody has yet.
 */
export class ChunkTable {
  readonly #blocks: Block[] = [];
  /** Chunk number + 1 by hash; 0 is free. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #count = 0;
  #known = 0;

  /** Numbers given. */
  get count(): number {
    return this.#count;
  }

  /** Chunks that stand somewhere. */
  get known(): number {
    return this.#known;
  }

  get memoryBytes(): number {
    let bytes = this.#slots.byteLength;
    for (const { ranges } of this.#blocks) bytes += BLOCK_BYTES + (ranges?.byteLength ?? 0);
    return bytes;
  }

  /** The number of the chunk whose id stands at `at` in `ids`, or -1. */
  find(ids: Buffer, at: number): number {
    const mask = this.#slots.length - 1;
    let slot = ids.readUInt32LE(at) & mask;
    for (;;) {
      const number = this.#slots[slot]! - 1;
      if (number < 0) return -1;
      const known = this.#blocks[number >>> BLOCK_BITS]!.ids;
      const start = (number & BLOCK_MASK) * CHUNK_ID_BYTES;
      // Bytes the slot does not depend on tell most others apart without a call.
      if (
        known[start + 4] === ids[at + 4] &&
        known[start + 5] === ids[at + 5] &&
        known.compare(ids, at, at + CHUNK_ID_BYTES, start, start + CHUNK_ID_BYTES) === 0
      ) {
        return number;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** The number of the chunk whose id stands at `at` in `ids`; a new one if it has none. */
  numberOf(ids: Buffer, at: number): number {
    const known = this.find(ids, at);
    return known < 0 ? this.#append(ids, at) : known;
  }

  /** A chunk's id. */
  idOf(chunk: number): Buffer {
    const start = (chunk & BLOCK_MASK) * CHUNK_ID_BYTES;
    return this.#blocks[chunk >>> BLOCK_BITS]!.ids.subarray(start, start + CHUNK_ID_BYTES);
  }

  /** The ids of chunks, one behind the other. */
  idsOf(chunks: Uint32Array): Buffer {
    const ids = Buffer.allocUnsafe(chunks.length * CHUNK_ID_BYTES);
    for (const [at, chunk] of chunks.entries()) this.idOf(chunk).copy(ids, at * CHUNK_ID_BYTES);
    return ids;
  }

  /** Whether a chunk stands somewhere. */
  isKnown(chunk: number): boolean {
    return this.frameOf(chunk) !== NOWHERE;
  }

  frameOf(chunk: number): number {
    return this.#blocks[chunk >>> BLOCK_BITS]!.frames[chunk & BLOCK_MASK]!;
  }

  bytesOf(chunk: number): number {
    return this.#blocks[chunk >>> BLOCK_BITS]!.lengths[chunk & BLOCK_MASK]!;
  }

  placeOf(chunk: number): ChunkPlace {
    const block = this.#blocks[chunk >>> BLOCK_BITS]!;
    const at = chunk & BLOCK_MASK;
    return { frame: block.frames[at]!, offset: block.offsets[at]!, bytes: block.lengths[at]! };
  }

  /** The part of its frame's dictionary that a chunk corresponds to: from, and count. */
  rangeOf(chunk: number): readonly [from: number, count: number] {
    const range = this.#blocks[chunk >>> BLOCK_BITS]!.ranges?.[chunk & BLOCK_MASK] ?? 0;
    return [range >>> 16, range & 0xffff];
  }

  place(chunk: number, frame: number, offset: number, bytes: number): void {
    const block = this.#blocks[chunk >>> BLOCK_BITS]!;
    const at = chunk & BLOCK_MASK;
    if (block.frames[at] === NOWHERE) this.#known++;
    block.frames[at] = frame;
    block.offsets[at] = offset;
    block.lengths[at] = bytes;
  }

  setRange(chunk: number, from: number, count: number): void {
    const block = this.#blocks[chunk >>> BLOCK_BITS]!;
    block.ranges ??= new Uint32Array(BLOCK_CHUNKS);
    block.ranges[chunk & BLOCK_MASK] = (from << 16) | count;
  }

  /** Forgets where a chunk stands; its number stays. */
  forget(chunk: number): void {
    this.#blocks[chunk >>> BLOCK_BITS]!.frames[chunk & BLOCK_MASK] = NOWHERE;
    this.#known--;
  }

  #append(ids: Buffer, at: number): number {
    const number = this.#count++;
    if (number >>> BLOCK_BITS === this.#blocks.length) this.#blocks.push(newBlock());
    const block = this.#blocks[number >>> BLOCK_BITS]!;
    ids.copy(block.ids, (number & BLOCK_MASK) * CHUNK_ID_BYTES, at, at + CHUNK_ID_BYTES);
    block.frames[number & BLOCK_MASK] = NOWHERE;
    if (this.#count * 4 > this.#slots.length * 3) this.#rehash(this.#slots.length * 2);
    else this.#enter(number);
    return number;
  }

  #enter(number: number): void {
    const mask = this.#slots.length - 1;
    const { ids } = this.#blocks[number >>> BLOCK_BITS]!;
    let slot = ids.readUInt32LE((number & BLOCK_MASK) * CHUNK_ID_BYTES) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #rehash(size: number): void {
    this.#slots = new Uint32Array(size);
    for (let number = 0; number < this.#count; number++) this.#enter(number);
  }
}

function newBlock(): Block {
  return {
    ids: Buffer.allocUnsafeSlow(BLOCK_CHUNKS * CHUNK_ID_BYTES),
    frames: new Uint32Array(BLOCK_CHUNKS),
    offsets: new Uint32Array(BLOCK_CHUNKS),
    lengths: new Uint32Array(BLOCK_CHUNKS),
    ranges: undefined,
  };
}
