import { CrmBackupError } from '../errors.ts';
import { copyIntoShared, SharedMemory } from '../shared-memory.ts';
import type { Storage } from '../storage/storage.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { CHUNK_ID_BYTES, CHUNK_ID_HEADROOM_BYTES, type ChunkIds } from './chunk-id.ts';
import { DeltaDictionary, dictionaryFor } from './delta-dictionary.ts';
import { FrameMethod } from './frame.ts';
import type { ChunkIndex } from './index.ts';
import { Jobs } from './jobs.ts';
import type { FrameChunk, ListedPack } from './pack.ts';
import { PackWriter } from './pack-writer.ts';
import { ChunkReader } from './reader.ts';
import type { VaultKeys } from './seal.ts';

/** Kinds of content; what is alike compresses better together. */
export type ContentKind = 'text' | 'data' | 'binary' | 'packed' | 'rows' | 'manifest';

const KIB = 1024;
const MIB = 1024 * KIB;
/** A frame is closed when it holds this many plain bytes. */
const FRAME_BYTES = MIB;
/** A frame may exceed its measure by one chunk; only a chunk of a manifest can be larger than this. */
const FRAME_ROOM_BYTES = CHUNK_ID_HEADROOM_BYTES + 2 * MIB;
/** Coding so much costs less than starting a thread for it. */
const SMALL_FRAME_BYTES = 128 * KIB;
/** Frames of dictionaries that are kept: a backup goes through its base once, in order, so few are asked for again. */
const MOST_DICTIONARY_BYTES = 12 * MIB;

interface OpenFrame {
  readonly number: number;
  readonly kind: ContentKind;
  readonly buffer: Buffer<SharedArrayBuffer>;
  /** Where the next chunk goes in the buffer. */
  at: number;
  readonly chunks: FrameChunk[];
}

interface OpenDelta extends OpenFrame {
  readonly dictionary: DeltaDictionary;
}

/** What a writer needs of its vault. */
export interface WriterVault {
  readonly storage: Storage;
  readonly keys: VaultKeys;
  readonly chunkIds: ChunkIds;
}

export interface WriterOptions {
  /** A full backup's data stands alone: no delta frames, and chunks that only a delta frame has are written again. */
  readonly selfContained: boolean;
  /** Codes and measures everything, writes nothing. */
  readonly dryRun: boolean;
}

/** Bytes a writer has taken and written so far. */
export interface WrittenBytes {
  /** Plain bytes of chunks the vault did not have. */
  readonly new: number;
  /** Bytes the storage took for packs and index files. */
  readonly stored: number;
}

/**
 * Turns chunks into frames, and has these put into packs. Small chunks of a kind are gathered; coding runs in worker
 * threads. Nothing refers to a pack before {@link finish} has written the index and the caller
 * its record, so a writer that dies leaves only packs the next one finds and uses.
 */
export class ChunkWriter {
  readonly #vault: WriterVault;
  readonly #index: ChunkIndex;
  readonly #dictionaries: ChunkReader;
  readonly #pool: WorkerPool;
  readonly #options: WriterOptions;
  readonly #open = new Map<ContentKind, OpenFrame>();
  readonly #openDelta = new Map<ContentKind, OpenDelta>();
  /** Shared and used again: a buffer for each frame would pile up in every thread until it collects. */
  readonly #memory = new SharedMemory(FRAME_ROOM_BYTES);
  readonly #coding = new Jobs();
  readonly #packs: PackWriter;
  /** Frames from this number on are this writer's own and cannot be read back yet. */
  readonly #frameLimit: number;
  #newBytes = 0;

  /** @param adopted Packs an interrupted backup left; this writer's index file lists them too. */
  constructor(
    vault: WriterVault,
    index: ChunkIndex,
    pool: WorkerPool,
    options: WriterOptions,
    adopted: readonly ListedPack[] = [],
  ) {
    this.#vault = vault;
    const { storage, keys, chunkIds } = vault;
    this.#dictionaries = new ChunkReader(storage, keys, chunkIds, MOST_DICTIONARY_BYTES);
    this.#index = index;
    this.#pool = pool;
    this.#options = options;
    this.#packs = new PackWriter({ storage, keys, index, dryRun: options.dryRun, adopted });
    this.#frameLimit = index.frameCount;
  }

  get written(): WrittenBytes {
    return { new: this.#newBytes, stored: this.#packs.storedBytes };
  }

  /** Ids of the packs it has written. */
  get packs(): ReadonlySet<string> {
    return this.#packs.written;
  }

  /** Whether frames wait for the worker threads, or packs for the storage; then {@link drain} before putting more. */
  get isBusy(): boolean {
    return this.#coding.size >= this.#pool.size * 2 + 2 || this.#packs.isBusy;
  }

  /** Waits until there is room again. @throws what coding or storing has thrown. */
  async drain(): Promise<void> {
    while (this.isBusy) await Promise.race([...this.#coding.running, ...this.#packs.storing.running]);
    this.#coding.throwIfFailed();
    this.#packs.storing.throwIfFailed();
  }

  /** A place for up to 1 MiB of content in the open frame of its kind; fill it, then {@link take}. */
  reserve(kind: ContentKind): { readonly buffer: Buffer; readonly offset: number } {
    let frame = this.#open.get(kind);
    if (frame === undefined) {
      frame = this.#openFrame(kind);
      this.#open.set(kind, frame);
    }
    return { buffer: frame.buffer, offset: frame.at };
  }

  /** Takes what was put at the reserved place as one chunk; its id. A chunk the vault has costs nothing. */
  take(kind: ContentKind, bytes: number): Buffer {
    const frame = this.#open.get(kind)!;
    const id = this.#vault.chunkIds.ofPart(frame.buffer, frame.at, bytes);
    if (this.#has(id)) return id;
    this.#append(frame, id, bytes, 0, 0);
    if (frame.at - CHUNK_ID_HEADROOM_BYTES >= FRAME_BYTES) this.#closeFrame(kind);
    return id;
  }

  /**
   * Takes a chunk from anywhere. `base` are the ids of the chunks it replaces: their bytes serve as dictionary, unless
   * this writer is to be self-contained or they cannot.
   */
  put(kind: ContentKind, chunk: Uint8Array, base: Buffer = NOTHING): Buffer {
    const id = this.#vault.chunkIds.of(chunk);
    this.putAs(kind, id, chunk, base);
    return id;
  }

  /** Takes a chunk whose id is known; it is kept. */
  putAs(kind: ContentKind, id: Buffer, chunk: Uint8Array, base: Buffer = NOTHING): void {
    if (this.#has(id)) return;
    const dictionary = this.#options.selfContained
      ? NOTHING
      : dictionaryFor(this.#index, base, chunk.byteLength, this.#frameLimit);
    if (dictionary.length > 0) {
      this.#appendDelta(kind, id, chunk, dictionary);
      return;
    }
    let frame = this.#open.get(kind);
    if (frame !== undefined && frame.at + chunk.byteLength > frame.buffer.length) {
      this.#closeFrame(kind);
      frame = undefined;
    }
    if (frame === undefined) {
      frame = this.#openFrame(kind, chunk.byteLength);
      this.#open.set(kind, frame);
    }
    copyIntoShared(frame.buffer, chunk, frame.at);
    this.#append(frame, id, chunk.byteLength, 0, 0);
    if (frame.at - CHUNK_ID_HEADROOM_BYTES >= FRAME_BYTES) this.#closeFrame(kind);
  }

  /** Whether the vault, with what this writer has taken, holds all these chunks where they can be read. */
  holds(ids: Buffer): boolean {
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      const chunk = this.#index.find(ids, at);
      if (chunk < 0 || !this.#index.isTrusted(chunk)) return false;
    }
    return true;
  }

  /** The length of a chunk whose id stands at `at`; 0 when the vault does not have it. */
  bytesOf(ids: Buffer, at: number): number {
    const chunk = this.#index.find(ids, at);
    return chunk < 0 ? 0 : this.#index.bytesOf(chunk);
  }

  /**
   * Writes all that is open, then the index file. Only now may a record name the chunks.
   * @throws {StorageError} when the storage cannot take them; the vault is as good as before.
   */
  async finish(): Promise<void> {
    for (const kind of [...this.#open.keys()]) this.#closeFrame(kind);
    for (const kind of [...this.#openDelta.keys()]) this.#closeDelta(kind);
    await this.#coding.settle();
    this.#coding.throwIfFailed();
    await this.#packs.finish();
  }

  /** Waits for work under way, whatever becomes of it; a writer that is given up must be settled before its pool ends. */
  async settle(): Promise<void> {
    await this.#coding.settle();
    await this.#packs.storing.settle();
  }

  #has(id: Buffer): boolean {
    const known = this.#index.find(id, 0);
    if (known < 0 || !this.#index.isTrusted(known)) return false;
    return !(this.#options.selfContained && this.#index.isDelta(known));
  }

  #openFrame(kind: ContentKind, chunkBytes = 0): OpenFrame {
    return {
      number: this.#index.openFrame(),
      kind,
      buffer: Buffer.from(this.#memory.take(CHUNK_ID_HEADROOM_BYTES + chunkBytes)),
      at: CHUNK_ID_HEADROOM_BYTES,
      chunks: [],
    };
  }

  #append(
    frame: OpenFrame,
    id: Buffer,
    bytes: number,
    dictionaryFrom: number,
    dictionaryCount: number,
  ): void {
    this.#index.addChunk(id, frame.number, frame.at - CHUNK_ID_HEADROOM_BYTES, bytes);
    frame.chunks.push({ id, bytes, dictionaryFrom, dictionaryCount });
    frame.at += bytes;
    this.#newBytes += bytes;
  }

  #appendDelta(kind: ContentKind, id: Buffer, chunk: Uint8Array, dictionary: Buffer): void {
    let frame = this.#openDelta.get(kind);
    if (frame !== undefined && frame.at + chunk.byteLength > frame.buffer.length) {
      this.#closeDelta(kind);
      frame = undefined;
    }
    if (frame === undefined) {
      frame = {
        ...this.#openFrame(kind, chunk.byteLength),
        dictionary: new DeltaDictionary(this.#index),
      };
      this.#openDelta.set(kind, frame);
    }
    const from = frame.dictionary.enter(dictionary);
    copyIntoShared(frame.buffer, chunk, frame.at);
    this.#append(frame, id, chunk.byteLength, from, dictionary.length / CHUNK_ID_BYTES);
    if (frame.at - CHUNK_ID_HEADROOM_BYTES >= FRAME_BYTES || frame.dictionary.isFull) this.#closeDelta(kind);
  }

  #closeFrame(kind: ContentKind): void {
    const frame = this.#open.get(kind)!;
    this.#open.delete(kind);
    if (frame.chunks.length > 0) this.#coding.follow(this.#code(frame, NOTHING, undefined));
  }

  #closeDelta(kind: ContentKind): void {
    const frame = this.#openDelta.get(kind)!;
    this.#openDelta.delete(kind);
    this.#coding.follow(this.#codeDelta(frame));
  }

  async #codeDelta(frame: OpenDelta): Promise<void> {
    const dictionary = frame.dictionary.ids;
    const length = this.#lengthOf(dictionary);
    const memory = this.#memory.take(length);
    let bytes: Buffer | undefined = Buffer.from(memory, 0, length);
    try {
      let at = 0;
      for await (const part of this.#dictionaries.readContent({ chunks: dictionary }, this.#index)) {
        copyIntoShared(bytes, part, at);
        at += part.length;
      }
    } catch (error) {
      // What is damaged in the vault must not stop a new backup: this frame then stands alone.
      if (!(error instanceof CrmBackupError)) throw error;
      bytes = undefined;
    }
    await this.#code(frame, dictionary, bytes);
    this.#memory.giveBack(memory);
  }

  #lengthOf(chunks: Buffer): number {
    let length = 0;
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) length += this.bytesOf(chunks, at);
    return length;
  }

  async #code(frame: OpenFrame, dictionary: Buffer, dictionaryBytes: Uint8Array | undefined): Promise<void> {
    const { buffer } = frame;
    const plainBytes = frame.at - CHUNK_ID_HEADROOM_BYTES;
    const plain = new Uint8Array(buffer.buffer, CHUNK_ID_HEADROOM_BYTES, plainBytes);
    const coded = await this.#pool.run(
      'code',
      { plain, dictionary: dictionaryBytes, quick: frame.kind === 'rows' },
      [],
      plainBytes <= SMALL_FRAME_BYTES,
    );
    const isDelta = coded.method === FrameMethod.delta;
    this.#packs.add(frame.number, coded.coded, {
      plainBytes,
      method: coded.method,
      dictionary: isDelta ? dictionary : NOTHING,
      chunks: isDelta ? frame.chunks : frame.chunks.map((chunk) => ({ ...chunk, ...ALONE })),
    });
    this.#memory.giveBack(buffer.buffer);
  }
}

const NOTHING = Buffer.alloc(0);
const ALONE = { dictionaryFrom: 0, dictionaryCount: 0 };
