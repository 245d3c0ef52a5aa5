import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { FrameMethod } from './frame.ts';
import type { FrameEntry, Pack } from './pack.ts';

/** Where a chunk stands. */
export interface ChunkPlace {
  /** The frame's number in this index. */
  readonly frame: number;
  /** Where the chunk begins in the frame's plain bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** Where a frame stands and how it is coded. */
export interface FramePlace extends Omit<FrameEntry, 'chunks'> {
  readonly pack: string;
  readonly salt: Buffer;
}

const FIRST_CAPACITY = 1024;

/**
 * The vault's index in memory: chunk id → frame, offset, length. Open addressing over typed arrays; about 60 bytes a
 * chunk. Ids are keyed hashes, so their first bytes serve as the hash.
 */
export class ChunkIndex {
  #ids = Buffer.allocUnsafeSlow(FIRST_CAPACITY * CHUNK_ID_BYTES);
  #frameOf = new Uint32Array(FIRST_CAPACITY);
  #offsets = new Uint32Array(FIRST_CAPACITY);
  #lengths = new Uint32Array(FIRST_CAPACITY);
  /** For a chunk in a delta frame: its range in the frame's dictionary, from and count in 16 bits each. */
  #dictionaryRanges = new Uint32Array(FIRST_CAPACITY);
  /** Chunk number + 1 by hash; 0 is free. */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  #count = 0;
  readonly #frames: FramePlace[] = [];
  readonly #packs = new Map<string, Pack>();

  /** Chunks known. */
  get chunkCount(): number {
    return this.#count;
  }

  /** Packs known, by id. Only their head is kept: the frames' chunks live in the typed arrays. */
  get packs(): ReadonlyMap<string, Pack> {
    return this.#packs;
  }

  /** Adds all chunks of a pack; a chunk known already stays where it is, unless only a delta frame had it. */
  addPack(pack: Pack): void {
    if (this.#packs.has(pack.id)) return;
    this.#packs.set(pack.id, { ...pack, frames: [] });
    for (const entry of pack.frames) {
      const frame = this.openFrame();
      this.closeFrame(frame, pack, entry);
      let offset = 0;
      for (const chunk of entry.chunks) {
        const known = this.find(chunk.id, 0);
        if (known < 0 || (entry.method !== FrameMethod.delta && this.isDelta(known))) {
          const number = known < 0 ? this.#append(chunk.id, 0) : known;
          this.#place(number, frame, offset, chunk.bytes);
          this.#dictionaryRanges[number] = (chunk.dictionaryFrom << 16) | chunk.dictionaryCount;
        }
        offset += chunk.bytes;
      }
    }
  }

  /** Reserves the number of a frame that is being filled. */
  openFrame(): number {
    return this.#frames.push(OPEN_FRAME) - 1;
  }

  /** Says where a frame has come to stand. */
  closeFrame(frame: number, pack: Pick<Pack, 'id' | 'salt'>, entry: Omit<FrameEntry, 'chunks'>): void {
    this.#frames[frame] = {
      pack: pack.id,
      salt: pack.salt,
      offset: entry.offset,
      sealedBytes: entry.sealedBytes,
      plainBytes: entry.plainBytes,
      method: entry.method,
      dictionary: entry.dictionary,
    };
  }

  /** Adds a chunk that is going into an open frame, or moves a known one there. */
  addChunk(id: Buffer, frame: number, offset: number, bytes: number): void {
    const known = this.find(id, 0);
    this.#place(known < 0 ? this.#append(id, 0) : known, frame, offset, bytes);
  }

  /** The number of the chunk whose id stands at `at` in `ids`, or -1. */
  find(ids: Buffer, at: number): number {
    const mask = this.#slots.length - 1;
    let slot = ids.readUInt32LE(at) & mask;
    for (;;) {
      const number = this.#slots[slot]!;
      if (number === 0) return -1;
      const start = (number - 1) * CHUNK_ID_BYTES;
      if (this.#ids.compare(ids, at, at + CHUNK_ID_BYTES, start, start + CHUNK_ID_BYTES) === 0)
        return number - 1;
      slot = (slot + 1) & mask;
    }
  }

  place(chunk: number): ChunkPlace {
    return { frame: this.#frameOf[chunk]!, offset: this.#offsets[chunk]!, bytes: this.#lengths[chunk]! };
  }

  /** A chunk's length in bytes. */
  bytesOf(chunk: number): number {
    return this.#lengths[chunk]!;
  }

  frame(frame: number): FramePlace {
    return this.#frames[frame]!;
  }

  get frameCount(): number {
    return this.#frames.length;
  }

  /** Whether the only copy of a chunk is in a delta frame. */
  isDelta(chunk: number): boolean {
    return this.#frames[this.#frameOf[chunk]!]!.method === FrameMethod.delta;
  }

  /**
   * The chunks to use as dictionary for a successor of this one, as ids: itself where it stands alone, else those it is
   * a delta against, so that a dictionary is always self-contained. None when its frame's number is not below
   * `frameLimit`: that frame may not be readable yet.
   */
  dictionaryFor(ids: Buffer, at: number, frameLimit: number): Buffer {
    const chunk = this.find(ids, at);
    if (chunk < 0 || this.#frameOf[chunk]! >= frameLimit) return EMPTY;
    const frame = this.#frames[this.#frameOf[chunk]!]!;
    if (frame.method !== FrameMethod.delta) return ids.subarray(at, at + CHUNK_ID_BYTES);
    const range = this.#dictionaryRanges[chunk]!;
    const from = (range >>> 16) * CHUNK_ID_BYTES;
    return frame.dictionary.subarray(from, from + (range & 0xffff) * CHUNK_ID_BYTES);
  }

  #append(ids: Buffer, at: number): number {
    if (this.#count === this.#frameOf.length) this.#grow();
    const number = this.#count++;
    ids.copy(this.#ids, number * CHUNK_ID_BYTES, at, at + CHUNK_ID_BYTES);
    this.#dictionaryRanges[number] = 0;
    if (this.#count * 3 > this.#slots.length * 2) this.#rehash(this.#slots.length * 2);
    else this.#enter(number);
    return number;
  }

  #place(chunk: number, frame: number, offset: number, bytes: number): void {
    this.#frameOf[chunk] = frame;
    this.#offsets[chunk] = offset;
    this.#lengths[chunk] = bytes;
  }

  #enter(number: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#ids.readUInt32LE(number * CHUNK_ID_BYTES) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #rehash(size: number): void {
    this.#slots = new Uint32Array(size);
    for (let number = 0; number < this.#count; number++) this.#enter(number);
  }

  #grow(): void {
    const capacity = Math.ceil(this.#frameOf.length * 1.5);
    const ids = Buffer.allocUnsafeSlow(capacity * CHUNK_ID_BYTES);
    this.#ids.copy(ids);
    this.#ids = ids;
    this.#frameOf = grown(this.#frameOf, capacity);
    this.#offsets = grown(this.#offsets, capacity);
    this.#lengths = grown(this.#lengths, capacity);
    this.#dictionaryRanges = grown(this.#dictionaryRanges, capacity);
  }
}

const EMPTY = Buffer.alloc(0);

/** A frame that is still being filled; nothing can be read from it. */
const OPEN_FRAME: FramePlace = {
  pack: '',
  salt: EMPTY,
  offset: 0,
  sealedBytes: 0,
  plainBytes: 0,
  method: FrameMethod.raw,
  dictionary: EMPTY,
};

function grown(from: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(capacity);
  to.set(from);
  return to;
}
