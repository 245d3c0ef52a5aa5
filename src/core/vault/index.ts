import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { type ChunkPlace, ChunkTable } from './chunk-table.ts';
import { FrameMethod } from './frame.ts';
import { FrameTable, grown, UNFINISHED } from './frame-table.ts';
import { type FrameEntry, listedChunk, type ListedPack, listFrames, type PackHead } from './pack.ts';

/** Where a frame stands and how it is coded. */
export interface FramePlace extends Omit<FrameEntry, 'chunks'> {
  /** Empty while the frame's pack is not finished: nothing can be read from it yet. */
  readonly pack: string;
  readonly salt: Buffer;
}

/** The vault's index in memory: chunk id → frame, offset, length. */
export class ChunkIndex {
  readonly #chunks = new ChunkTable();
  readonly #packs: PackHead[] = [];
  readonly #packNumbers = new Map<string, number>();
  readonly #frames = new FrameTable();
  /** Dictionaries as chunk numbers, each after its length; a frame without one points at the 0 in front. */
  #dictionaries: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  #dictionariesEnd = 1;
  /** Numbers of frames that cannot be read, as far as is known. */
  readonly #bad = new Set<number>();

  /** Chunks known. */
  get chunkCount(): number {
    return this.#chunks.known;
  }

  /** Chunk numbers run from 0 to below this; some may belong to chunks no pack has ({@link isKnown}). */
  get numberCount(): number {
    return this.#chunks.count;
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
    return this.#chunks.memoryBytes + this.#frames.memoryBytes + this.#dictionaries.byteLength;
  }

  /** Whether a pack is in this index. */
  hasPack(id: string): boolean {
    return this.#packNumbers.has(id);
  }

  /**
   * Adds all chunks of a pack; a chunk known already stays where it is, unless only a damaged or a delta frame had it.
   * @param badFrames where frames of it begin that cannot be read
   */
  addPack(pack: ListedPack, badFrames: ReadonlySet<number> = NONE): void {
    if (this.hasPack(pack.id)) return;
    this.#packNumber(pack);
    const { listing } = pack;
    for (const entry of listFrames(listing)) {
      const frame = this.openFrame();
      this.closeFrame(frame, pack, entry);
      const isDelta = entry.method === FrameMethod.delta;
      const isBad = badFrames.has(entry.offset);
      if (isBad) this.#bad.add(frame);
      let offset = 0;
      // An object for each chunk would be most of the work.
      for (let at = entry.chunksAt; at < entry.chunksEnd; at += entry.chunkStep) {
        const number = this.#chunks.numberOf(listing, at);
        const bytes = listing.readUInt32LE(at + CHUNK_ID_BYTES);
        if (!this.isKnown(number) || this.#isBetter(isBad, isDelta, number)) {
          this.#chunks.place(number, frame, offset, bytes);
          if (isDelta) {
            const { dictionaryFrom, dictionaryCount } = listedChunk(listing, at, entry.method);
            this.#chunks.setRange(number, dictionaryFrom, dictionaryCount);
          }
        }
        offset += bytes;
      }
    }
  }

  /** Whether a place in such a frame is better than the one a chunk has. */
  #isBetter(isBad: boolean, isDelta: boolean, chunk: number): boolean {
    const hasBad = this.#bad.has(this.#chunks.frameOf(chunk));
    return isBad === hasBad ? !isDelta && this.isDelta(chunk) : hasBad;
  }

  /** Delta frames that rest on chunks which cannot be read: where they begin in their packs, by the packs' ids. */
  framesOnNothing(): Map<string, Set<number>> {
    const found = new Map<string, Set<number>>();
    for (let frame = 0; frame < this.frameCount; frame++) {
      if (this.#frames.dictionaries[frame] === 0 || this.#bad.has(frame)) continue;
      if (this.dictionaryOf(frame).every((chunk) => this.isTrusted(chunk))) continue;
      const { id } = this.#packs[this.#frames.packs[frame]!]!;
      found.set(id, (found.get(id) ?? new Set()).add(this.#frames.offsets[frame]!));
    }
    return found;
  }

  /**
   * Forgets chunks in delta frames that can no longer be decoded, because a part of their dictionary is lost: what looks
   * for them is to find them missing, and a new backup to store them again.
   */
  dropUndecodable(): void {
    for (let broken = this.#brokenFrames(); broken.size > 0; broken = this.#brokenFrames()) {
      for (let chunk = 0; chunk < this.#chunks.count; chunk++) {
        if (broken.has(this.#chunks.frameOf(chunk))) this.#chunks.forget(chunk);
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
    this.#chunks.place(this.#chunks.numberOf(id, 0), frame, offset, bytes);
  }

  /** The number of the chunk whose id stands at `at` in `ids`, or -1. */
  find(ids: Buffer, at: number): number {
    const number = this.#chunks.find(ids, at);
    return number >= 0 && !this.#chunks.isKnown(number) ? -1 : number;
  }

  /** Whether a pack, finished or not, has the chunk of this number. */
  isKnown(chunk: number): boolean {
    return this.#chunks.isKnown(chunk);
  }

  /** Whether a chunk stands in a frame of which it is not known that it cannot be read. */
  isTrusted(chunk: number): boolean {
    return this.isKnown(chunk) && !this.#bad.has(this.#chunks.frameOf(chunk));
  }

  /** Whether there are frames that cannot be read, as far as is known. */
  get hasBad(): boolean {
    return this.#bad.size > 0;
  }

  /** Whether a frame, by its number, cannot be read, as far as is known. */
  isBad(frame: number): boolean {
    return this.#bad.has(frame);
  }

  /** Notes that the frame in which a chunk stands cannot be read. */
  distrust(id: Buffer): void {
    const chunk = this.find(id, 0);
    if (chunk >= 0) this.#bad.add(this.#chunks.frameOf(chunk));
  }

  /** A chunk's id. */
  idOf(chunk: number): Buffer {
    return this.#chunks.idOf(chunk);
  }

  place(chunk: number): ChunkPlace {
    return this.#chunks.placeOf(chunk);
  }

  /** A chunk's length in bytes. */
  bytesOf(chunk: number): number {
    return this.#chunks.bytesOf(chunk);
  }

  frame(frame: number): FramePlace {
    return new PlacedFrame(frame, this.#packs[this.#frames.packs[frame]!], this.#frames, (placed) =>
      this.#dictionaryIds(placed),
    );
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
    const [from, count] = this.isDelta(chunk) ? this.#chunks.rangeOf(chunk) : [0, 0];
    return this.dictionaryOf(this.#chunks.frameOf(chunk)).subarray(from, from + count);
  }

  /** Whether the only copy of a chunk is in a delta frame. */
  isDelta(chunk: number): boolean {
    return this.#frames.methods[this.#chunks.frameOf(chunk)] === FrameMethod.delta;
  }

  /**
   * The chunks to use as dictionary for a successor of this one, as ids: itself where it stands alone, else those it is
   * a delta against, so that a dictionary is always self-contained. None when it is not trusted, or its frame's number is
   * not below `frameLimit`: that frame may not be readable yet.
   */
  dictionaryFor(ids: Buffer, at: number, frameLimit: number): Buffer {
    const chunk = this.find(ids, at);
    if (chunk < 0 || !this.isTrusted(chunk)) return EMPTY;
    const frame = this.#chunks.frameOf(chunk);
    if (frame >= frameLimit) return EMPTY;
    if (!this.isDelta(chunk)) return ids.subarray(at, at + CHUNK_ID_BYTES);
    const numbers = this.dictionaryOfChunk(chunk);
    return numbers.every((number) => this.isTrusted(number) && !this.isDelta(number))
      ? this.#chunks.idsOf(numbers)
      : EMPTY;
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
      this.#dictionaries[start + 1 + chunk] = this.#chunks.numberOf(ids, chunk * CHUNK_ID_BYTES);
    }
    return start;
  }

  #dictionaryIds(frame: number): Buffer {
    return this.#frames.dictionaries[frame] === 0 ? EMPTY : this.#chunks.idsOf(this.dictionaryOf(frame));
  }
}

/** A frame as the index has it; its dictionary is put together only when it is asked for. */
class PlacedFrame implements FramePlace {
  readonly pack: string;
  readonly salt: Buffer;
  readonly offset: number;
  readonly sealedBytes: number;
  readonly plainBytes: number;
  readonly method: FrameMethod;
  readonly #frame: number;
  readonly #dictionaryIds: (frame: number) => Buffer;

  constructor(
    frame: number,
    pack: PackHead | undefined,
    frames: FrameTable,
    dictionaryIds: (frame: number) => Buffer,
  ) {
    this.pack = pack?.id ?? '';
    this.salt = pack?.salt ?? EMPTY;
    this.offset = frames.offsets[frame]!;
    this.sealedBytes = frames.sealedBytes[frame]!;
    this.plainBytes = frames.plainBytes[frame]!;
    this.method = frames.methods[frame]! as FrameMethod;
    this.#frame = frame;
    this.#dictionaryIds = dictionaryIds;
  }

  get dictionary(): Buffer {
    return this.#dictionaryIds(this.#frame);
  }
}

const EMPTY = Buffer.alloc(0);
const NONE: ReadonlySet<number> = new Set();
