import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { FrameMethod } from './frame.ts';
import { decodeFrames, type FrameEntry, type ListedPack, type PackHead } from './pack.ts';

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
  /** Empty while the frame's pack is not finished: nothing can be read from it yet. */
  readonly pack: string;
  readonly salt: Buffer;
}

/** Chunks are kept in blocks of so many, so that growing copies nothing. */
const BLOCK_BITS = 10;
const BLOCK_CHUNKS = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_CHUNKS - 1;
const FIRST_SLOTS = 1024;
/** The frame of a chunk that is only known to serve in a dictionary. */
const NOWHERE = 0xffffffff;
/** The pack of a frame that is still being filled or waits for its pack to be finished. */
const UNFINISHED = 0xffffffff;

interface Block {
  readonly ids: Buffer;
  readonly frames: Uint32Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** For a chunk in a delta frame: its range in the frame's dictionary, from and count in 16 bits each. */
  ranges: Uint32Array | undefined;
}

/**
 * The vault's index in memory: chunk id → frame, offset, length. Open addressing over typed arrays, at most 64 bytes a
 * chunk. Ids are keyed hashes, so their first bytes serve as the hash.
 */
export class ChunkIndex {
  readonly #blocks: Block[] = [];
  /** Chunk number + 1 by hash; 0 is free. */
  #slots = new Uint32Array(FIRST_SLOTS);
  /** Chunk numbers given, also to chunks nobody has yet. */
  #count = 0;
  #known = 0;
  readonly #packs: PackHead[] = [];
  readonly #packNumbers = new Map<string, number>();
  readonly #frames = new FrameTable();
  /** Dictionaries as chunk numbers, each after its length; a frame without one points at the 0 in front. */
  #dictionaries: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  #dictionariesEnd = 1;

  /** Chunks known. */
  get chunkCount(): number {
    return this.#known;
  }

  /** Chunk numbers run from 0 to below this; some may belong to chunks no pack has ({@link isKnown}). */
  get numberCount(): number {
    return this.#count;
  }

  /** Packs known. */
  get packs(): readonly PackHead[] {
    return this.#packs;
  }

  get frameCount(): number {
    return this.#frames.count;
  }

  /** Bytes of memory the index takes. */
  get memoryBytes(): number {
    let bytes = this.#slots.byteLength + this.#frames.memoryBytes + this.#dictionaries.byteLength;
    for (const { ranges } of this.#blocks) bytes += BLOCK_CHUNKS * 44 + (ranges?.byteLength ?? 0);
    return bytes;
  }

  /** Whether a pack is in this index. */
  hasPack(id: string): boolean {
    return this.#packNumbers.has(id);
  }

  /** Adds all chunks of a pack; a chunk known already stays where it is, unless only a delta frame had it. */
  addPack(pack: ListedPack): void {
    if (this.hasPack(pack.id)) return;
    this.#packNumber(pack);
    for (const entry of decodeFrames(pack.listing)) {
      const frame = this.openFrame();
      this.closeFrame(frame, pack, entry);
      let offset = 0;
      for (const chunk of entry.chunks) {
        const known = this.#find(chunk.id, 0);
        const isNew = known < 0 || this.#frameOf(known) === NOWHERE;
        if (isNew || (entry.method !== FrameMethod.delta && this.isDelta(known))) {
          const number = known < 0 ? this.#append(chunk.id, 0) : known;
          this.#place(number, frame, offset, chunk.bytes);
          if (entry.method === FrameMethod.delta) {
            this.#setRange(number, (chunk.dictionaryFrom << 16) | chunk.dictionaryCount);
          }
        }
        offset += chunk.bytes;
      }
    }
  }

  /**
   * Forgets chunks in delta frames that can no longer be decoded, because a part of their dictionary is lost: what looks
   * for them is to find them missing, and a new backup to store them again.
   */
  dropUndecodable(): void {
    for (let broken = this.#brokenFrames(); broken.size > 0; broken = this.#brokenFrames()) {
      for (let chunk = 0; chunk < this.#count; chunk++) {
        if (!broken.has(this.#frameOf(chunk))) continue;
        this.#blocks[chunk >>> BLOCK_BITS]!.frames[chunk & BLOCK_MASK] = NOWHERE;
        this.#known--;
      }
      for (const frame of broken) this.#frames.dictionaries[frame] = 0;
    }
  }

  #brokenFrames(): Set<number> {
    const broken = new Set<number>();
    for (let frame = 0; frame < this.frameCount; frame++) {
      if (this.#frames.dictionaries[frame] === 0) continue;
      if (this.dictionaryOf(frame).some((chunk) => !this.isKnown(chunk))) broken.add(frame);
    }
    return broken;
  }

  /** Reserves the number of a frame that is being filled. */
  openFrame(): number {
    return this.#frames.add();
  }

  /** Says where a frame has come to stand; a pack without an id is not finished yet. */
  closeFrame(frame: number, pack: PackHead, entry: Omit<FrameEntry, 'chunks'>): void {
    const packNumber = pack.id === '' ? UNFINISHED : this.#packNumber(pack);
    let dictionary = this.#frames.dictionaries[frame]!;
    if (dictionary === 0 && entry.dictionary.length > 0) dictionary = this.#addDictionary(entry.dictionary);
    this.#frames.set(frame, packNumber, entry, dictionary);
  }

  /** Adds a chunk that is going into an open frame, or moves a known one there. */
  addChunk(id: Buffer, frame: number, offset: number, bytes: number): void {
    const known = this.#find(id, 0);
    this.#place(known < 0 ? this.#append(id, 0) : known, frame, offset, bytes);
  }

  /** The number of the chunk whose id stands at `at` in `ids`, or -1. */
  find(ids: Buffer, at: number): number {
    const number = this.#find(ids, at);
    return number >= 0 && this.#frameOf(number) === NOWHERE ? -1 : number;
  }

  /** Whether a pack, finished or not, has the chunk of this number. */
  isKnown(chunk: number): boolean {
    return this.#frameOf(chunk) !== NOWHERE;
  }

  /** A chunk's id. */
  idOf(chunk: number): Buffer {
    const start = (chunk & BLOCK_MASK) * CHUNK_ID_BYTES;
    return this.#blocks[chunk >>> BLOCK_BITS]!.ids.subarray(start, start + CHUNK_ID_BYTES);
  }

  place(chunk: number): ChunkPlace {
    const block = this.#blocks[chunk >>> BLOCK_BITS]!;
    const at = chunk & BLOCK_MASK;
    return { frame: block.frames[at]!, offset: block.offsets[at]!, bytes: block.lengths[at]! };
  }

  /** A chunk's length in bytes. */
  bytesOf(chunk: number): number {
    return this.#blocks[chunk >>> BLOCK_BITS]!.lengths[chunk & BLOCK_MASK]!;
  }

  frame(frame: number): FramePlace {
    const pack = this.#packs[this.#frames.packs[frame]!];
    const dictionary = (): Buffer => this.#dictionaryIds(frame);
    return {
      pack: pack?.id ?? '',
      salt: pack?.salt ?? EMPTY,
      offset: this.#frames.offsets[frame]!,
      sealedBytes: this.#frames.sealedBytes[frame]!,
      plainBytes: this.#frames.plainBytes[frame]!,
      method: this.#frames.methods[frame]! as FrameMethod,
      get dictionary() {
        return dictionary();
      },
    };
  }

  /** The number of a finished frame's pack in {@link packs}. */
  packOf(frame: number): number {
    return this.#frames.packs[frame]!;
  }

  /** The numbers of the chunks a frame's dictionary is made of; empty but for a delta frame. */
  dictionaryOf(frame: number): Uint32Array {
    const start = this.#frames.dictionaries[frame]!;
    return this.#dictionaries.subarray(start + 1, start + 1 + this.#dictionaries[start]!);
  }

  /** The part of its frame's dictionary that a chunk in a delta frame corresponds to; empty for any other. */
  dictionaryOfChunk(chunk: number): Uint32Array {
    const range = this.isDelta(chunk)
      ? (this.#blocks[chunk >>> BLOCK_BITS]!.ranges?.[chunk & BLOCK_MASK] ?? 0)
      : 0;
    const from = range >>> 16;
    return this.dictionaryOf(this.#frameOf(chunk)).subarray(from, from + (range & 0xffff));
  }

  /** Whether the only copy of a chunk is in a delta frame. */
  isDelta(chunk: number): boolean {
    return this.#frames.methods[this.#frameOf(chunk)] === FrameMethod.delta;
  }

  /**
   * The chunks to use as dictionary for a successor of this one, as ids: itself where it stands alone, else those it is
   * a delta against, so that a dictionary is always self-contained. None when its frame's number is not below
   * `frameLimit`: that frame may not be readable yet.
   */
  dictionaryFor(ids: Buffer, at: number, frameLimit: number): Buffer {
    const chunk = this.find(ids, at);
    if (chunk < 0) return EMPTY;
    const frame = this.#frameOf(chunk);
    if (frame >= frameLimit) return EMPTY;
    if (!this.isDelta(chunk)) return ids.subarray(at, at + CHUNK_ID_BYTES);
    const numbers = this.dictionaryOfChunk(chunk);
    return numbers.every((number) => this.isKnown(number) && !this.isDelta(number))
      ? this.#ids(numbers)
      : EMPTY;
  }

  #frameOf(chunk: number): number {
    return this.#blocks[chunk >>> BLOCK_BITS]!.frames[chunk & BLOCK_MASK]!;
  }

  #find(ids: Buffer, at: number): number {
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

  #place(chunk: number, frame: number, offset: number, bytes: number): void {
    const block = this.#blocks[chunk >>> BLOCK_BITS]!;
    const at = chunk & BLOCK_MASK;
    if (block.frames[at] === NOWHERE) this.#known++;
    block.frames[at] = frame;
    block.offsets[at] = offset;
    block.lengths[at] = bytes;
  }

  #setRange(chunk: number, range: number): void {
    const block = this.#blocks[chunk >>> BLOCK_BITS]!;
    block.ranges ??= new Uint32Array(BLOCK_CHUNKS);
    block.ranges[chunk & BLOCK_MASK] = range;
  }

  #enter(number: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.idOf(number).readUInt32LE(0) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #rehash(size: number): void {
    this.#slots = new Uint32Array(size);
    for (let number = 0; number < this.#count; number++) this.#enter(number);
  }

  #packNumber(pack: PackHead): number {
    let number = this.#packNumbers.get(pack.id);
    if (number === undefined) {
      // A copy: a part of a larger buffer would keep all of it in memory.
      number = this.#packs.push({ id: pack.id, salt: Buffer.from(pack.salt), bytes: pack.bytes }) - 1;
      this.#packNumbers.set(pack.id, number);
    }
    return number;
  }

  #addDictionary(ids: Buffer): number {
    const count = ids.length / CHUNK_ID_BYTES;
    const start = this.#dictionariesEnd;
    this.#dictionariesEnd += 1 + count;
    if (this.#dictionariesEnd > this.#dictionaries.length) {
      this.#dictionaries = grown(this.#dictionaries, Math.ceil(this.#dictionariesEnd * 1.25));
    }
    this.#dictionaries[start] = count;
    for (let chunk = 0; chunk < count; chunk++) {
      const known = this.#find(ids, chunk * CHUNK_ID_BYTES);
      this.#dictionaries[start + 1 + chunk] = known < 0 ? this.#append(ids, chunk * CHUNK_ID_BYTES) : known;
    }
    return start;
  }

  #dictionaryIds(frame: number): Buffer {
    return this.#frames.dictionaries[frame] === 0 ? EMPTY : this.#ids(this.dictionaryOf(frame));
  }

  #ids(numbers: Uint32Array): Buffer {
    const ids = Buffer.allocUnsafe(numbers.length * CHUNK_ID_BYTES);
    for (const [at, number] of numbers.entries()) this.idOf(number).copy(ids, at * CHUNK_ID_BYTES);
    return ids;
  }
}

const EMPTY = Buffer.alloc(0);

/** The frames of an index, column by column. */
class FrameTable {
  count = 0;
  packs: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  offsets: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  sealedBytes: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  plainBytes: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  dictionaries: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  methods: Uint8Array<ArrayBuffer> = new Uint8Array(64);

  get memoryBytes(): number {
    return this.packs.byteLength * 5 + this.methods.byteLength;
  }

  add(): number {
    if (this.count === this.packs.length) this.#grow(Math.ceil(this.count * 1.25));
    this.packs[this.count] = UNFINISHED;
    return this.count++;
  }

  set(frame: number, pack: number, entry: Omit<FrameEntry, 'chunks'>, dictionary: number): void {
    this.packs[frame] = pack;
    this.offsets[frame] = entry.offset;
    this.sealedBytes[frame] = entry.sealedBytes;
    this.plainBytes[frame] = entry.plainBytes;
    this.methods[frame] = entry.method;
    this.dictionaries[frame] = dictionary;
  }

  #grow(capacity: number): void {
    this.packs = grown(this.packs, capacity);
    this.offsets = grown(this.offsets, capacity);
    this.sealedBytes = grown(this.sealedBytes, capacity);
    this.plainBytes = grown(this.plainBytes, capacity);
    this.dictionaries = grown(this.dictionaries, capacity);
    const methods = new Uint8Array(capacity);
    methods.set(this.methods);
    this.methods = methods;
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

function grown(from: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(capacity);
  to.set(from);
  return to;
}
