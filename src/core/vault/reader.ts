import { copyIntoShared, SharedMemory } from '../shared-memory.ts';
import type { Storage } from '../storage/storage.ts';
import type { WorkerPool } from '../worker/pool.ts';
import type { BadFrames } from './bad-frames.ts';
import { CHUNK_ID_BYTES, type ChunkIds } from './chunk-id.ts';
import type { FrameJob } from './decode-job.ts';
import type { Entry } from './entry.ts';
import { VaultError } from './error.ts';
import { decodeFrame, FrameMethod } from './frame.ts';
import type { ChunkPlace } from './chunk-table.ts';
import type { ChunkIndex, FramePlace } from './index.ts';
import { packName, packPosition } from './pack.ts';
import { open as openSeal, type VaultKeys } from './seal.ts';

const MOST_CACHED_BYTES = 48 * 1024 * 1024;
const SHARED_BYTES = 2 * 1024 * 1024;
const MOST_SPARE = 4;

/** Reads chunks: finds the frame, opens and decodes it, checks the chunk against its id. Recent frames are kept. */
export class ChunkReader {
  readonly #storage: Storage;
  readonly #keys: VaultKeys;
  readonly #chunkIds: ChunkIds;
  readonly #frames = new Map<string, Promise<Buffer>>();
  readonly #sizes = new Map<string, number>();
  /** Chunks that were checked, of frames that are kept, by where they begin. */
  readonly #checked = new WeakMap<Buffer, Map<number, Buffer>>();
  /** Memory of dictionaries that no thread uses any more. */
  readonly #shared = new SharedMemory(SHARED_BYTES, MOST_SPARE);
  readonly #mostCachedBytes: number;
  readonly #damaged = new Map<string, Set<number>>();
  #cachedBytes = 0;

  /** @param mostCachedBytes of frames that are kept */
  constructor(storage: Storage, keys: VaultKeys, chunkIds: ChunkIds, mostCachedBytes = MOST_CACHED_BYTES) {
    this.#mostCachedBytes = mostCachedBytes;
    this.#storage = storage;
    this.#keys = keys;
    this.#chunkIds = chunkIds;
  }

  /**
   * The plain bytes of a chunk, checked against its id. The buffer is shared: do not change it.
   * @throws {VaultError} `missing-chunk` when no pack has it, `damaged` when its bytes are not what they were.
   */
  async readChunk(id: Buffer, index: ChunkIndex): Promise<Buffer> {
    const number = index.find(id, 0);
    if (number < 0) {
      throw new VaultError('missing-chunk', `The vault no longer has chunk ${id.toString('hex', 0, 6)}.`, {
        hint: 'Run “crm-backup verify” to see which backups are affected.',
      });
    }
    const place = index.place(number);
    const framePlace = index.frame(place.frame);
    return this.#chunkOf(await this.readFrame(framePlace, index), place, id, framePlace);
  }

  /** Remembers that a frame was found damaged, for {@link takeDamaged}. */
  rememberDamaged({ pack, offset }: FramePlace): void {
    this.#damaged.set(pack, (this.#damaged.get(pack) ?? new Set()).add(offset));
  }

  /** Frames that were found damaged since this was last asked. */
  takeDamaged(): BadFrames {
    const damaged = new Map(this.#damaged);
    this.#damaged.clear();
    return damaged;
  }

  /**
   * Begins to read chunks that will be asked for soon, decoding their frames in worker threads. What fails is told by
   * {@link readChunk}.
   */
  readAhead(ids: Buffer, index: ChunkIndex, pool: WorkerPool): void {
    const wanted = new Map<number, ChunkPlace[]>();
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      const number = index.find(ids, at);
      if (number < 0) continue;
      const place = index.place(number);
      const chunks = wanted.get(place.frame);
      if (chunks === undefined) wanted.set(place.frame, [place]);
      else chunks.push(place);
    }
    for (const [frame, chunks] of wanted) {
      const load = async (place: FramePlace): Promise<Buffer> => this.#decode(place, index, chunks, pool);
      this.#frameAt(index.frame(frame), load).catch(() => undefined);
    }
  }

  /** An entry's content, chunk by chunk. */
  async *readContent(entry: Pick<Entry, 'chunks'>, index: ChunkIndex): AsyncGenerator<Buffer> {
    for (let at = 0; at < entry.chunks.length; at += CHUNK_ID_BYTES) {
      yield await this.readChunk(entry.chunks.subarray(at, at + CHUNK_ID_BYTES), index);
    }
  }

  /** A frame's plain bytes; the chunks of its dictionary are read first. */
  async readFrame(place: FramePlace, index: ChunkIndex): Promise<Buffer> {
    return this.#frameAt(place, async () => this.#load(place, index));
  }

  async #frameAt(place: FramePlace, load: (place: FramePlace) => Promise<Buffer>): Promise<Buffer> {
    const key = `${place.pack}@${place.offset}`;
    const cached = this.#frames.get(key);
    if (cached !== undefined) {
      this.#frames.delete(key);
      this.#frames.set(key, cached);
      return cached;
    }
    const reading = load(place);
    this.#frames.set(key, reading);
    this.#sizes.set(key, place.plainBytes);
    this.#cachedBytes += place.plainBytes;
    this.#evict();
    try {
      return await reading;
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  /**
   * The bytes of the chunks a delta frame was coded against; undefined for any other. They stand alone, as long as
   * nothing is lost; where they have come to be deltas themselves, these must be against chunks that stand alone.
   */
  async readDictionary(place: FramePlace, index: ChunkIndex, depth = 0): Promise<Buffer | undefined> {
    if (place.method !== FrameMethod.delta) return undefined;
    const { dictionary } = place;
    const parts: Buffer[] = [];
    for (let at = 0; at < dictionary.length; at += CHUNK_ID_BYTES) {
      const id = dictionary.subarray(at, at + CHUNK_ID_BYTES);
      const number = index.find(id, 0);
      if (number < 0 || !index.isDelta(number)) {
        parts.push(await this.readChunk(id, index));
        continue;
      }
      if (depth > 0)
        throw new VaultError('damaged', 'A delta frame rests on chunks that rest on others in turn.');
      // Not through the kept frames: two that rest on each other would wait for each other for ever.
      const chunkPlace = index.place(number);
      const framePlace = index.frame(chunkPlace.frame);
      const frame = await this.#load(framePlace, index, depth + 1);
      parts.push(this.#chunkOf(frame, chunkPlace, id, framePlace));
    }
    return Buffer.concat(parts);
  }

  #chunkOf(frame: Buffer, place: ChunkPlace, id: Buffer, framePlace: FramePlace): Buffer {
    const chunk = frame.subarray(place.offset, place.offset + place.bytes);
    const checked = this.#checked.get(frame) ?? new Map<number, Buffer>();
    if (checked.get(place.offset)?.equals(id) === true) return chunk;
    const found = this.#chunkIds.of(chunk);
    if (found.equals(id)) {
      this.#checked.set(frame, checked.set(place.offset, found));
      return chunk;
    }
    this.rememberDamaged(framePlace);
    throw new VaultError('damaged', `Chunk ${id.toString('hex', 0, 6)} is damaged: its content has changed.`);
  }

  async #load(place: FramePlace, index: ChunkIndex, depth = 0): Promise<Buffer> {
    const sealed = await this.#sealed(place);
    const open = (): Buffer => openSeal(this.#keys, 'frame', packPosition(place.salt, place.offset), sealed);
    const coded = await this.#watched(place, open);
    const dictionary = await this.readDictionary(place, index, depth);
    return this.#watched(place, () => decodeFrame(place.method, coded, place.plainBytes, dictionary));
  }

  /** What is made of a frame's bytes; where these are damaged, that is remembered. */
  async #watched<T>(place: FramePlace, make: () => T | Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      if (error instanceof VaultError && error.code === 'damaged') this.rememberDamaged(place);
      throw error;
    }
  }

  async #sealed(place: FramePlace): Promise<Buffer> {
    return this.#storage.read(packName(place.pack), { offset: place.offset, length: place.sealedBytes });
  }

  /** Has a thread decode a frame and check some of its chunks. */
  async #decode(
    place: FramePlace,
    index: ChunkIndex,
    chunks: readonly ChunkPlace[],
    pool: WorkerPool,
  ): Promise<Buffer> {
    const { method, plainBytes, salt, offset: start } = place;
    const { vaultId, sealing, chunkId } = this.#keys;
    const dictionary = await this.#sharedDictionary(place, index);
    const sealed = alone(await this.#sealed(place));
    const job: FrameJob = {
      method,
      sealed,
      position: packPosition(salt, start),
      // Copies: of a part of a larger buffer all would be sent.
      keys: { vaultId: copyOf(vaultId), sealing: copyOf(sealing), chunkId: copyOf(chunkId) },
      plainBytes,
      dictionary,
      chunks: chunks.flatMap(({ offset, bytes }) => [offset, bytes]),
    };
    const { plain, ids } = await this.#watched(place, async () => pool.run('decode', job, [sealed.buffer]));
    if (dictionary !== undefined) this.#shared.giveBack(dictionary.buffer);
    const frame = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
    const found = Buffer.from(ids.buffer);
    const checked = chunks.map(({ offset }, at): [number, Buffer] => [
      offset,
      found.subarray(at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES),
    ]);
    this.#checked.set(frame, new Map(checked));
    return frame;
  }

  /**
   * The same as {@link readDictionary} in memory that threads see. Its chunks are not checked: with others the frame’s own
   * would not be what they are.
   */
  async #sharedDictionary(
    place: FramePlace,
    index: ChunkIndex,
  ): Promise<Uint8Array<SharedArrayBuffer> | undefined> {
    if (place.method !== FrameMethod.delta) return undefined;
    // Put together at each look.
    const { dictionary } = place;
    const parts: Buffer[] = [];
    for (let at = 0; at < dictionary.length; at += CHUNK_ID_BYTES) {
      const number = index.find(dictionary, at);
      if (number < 0 || index.isDelta(number))
        return this.#share([(await this.readDictionary(place, index))!]);
      const chunk = index.place(number);
      const frame = await this.readFrame(index.frame(chunk.frame), index);
      parts.push(frame.subarray(chunk.offset, chunk.offset + chunk.bytes));
    }
    return this.#share(parts);
  }

  /** Bytes one after the other in memory that threads can see. */
  #share(parts: readonly Buffer[]): Uint8Array<SharedArrayBuffer> {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const all = Buffer.from(this.#shared.take(bytes), 0, bytes);
    let at = 0;
    for (const part of parts) {
      copyIntoShared(all, part, at);
      at += part.length;
    }
    return all;
  }

  #evict(): void {
    for (const key of this.#frames.keys()) {
      if (this.#cachedBytes <= this.#mostCachedBytes || this.#frames.size <= 1) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    if (this.#frames.delete(key)) this.#cachedBytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }
}

/** The bytes in memory of their own, which can be handed over. */
function alone(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.byteOffset === 0 && bytes.buffer.byteLength === bytes.length;
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
