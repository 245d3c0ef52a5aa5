import type { Storage } from '../storage/storage.ts';
import { CHUNK_ID_BYTES, type ChunkIds } from './chunk-id.ts';
import type { Entry } from './entry.ts';
import { VaultError } from './error.ts';
import { decodeFrame, FrameMethod } from './frame.ts';
import type { ChunkPlace } from './chunk-table.ts';
import type { ChunkIndex, FramePlace } from './index.ts';
import { packName, packPosition } from './pack.ts';
import { open, type VaultKeys } from './seal.ts';

const MOST_CACHED_BYTES = 48 * 1024 * 1024;

/** Reads chunks: finds the frame, opens and decodes it, checks the chunk against its id. Recent frames are kept. */
export class ChunkReader {
  readonly #storage: Storage;
  readonly #keys: VaultKeys;
  readonly #chunkIds: ChunkIds;
  readonly #frames = new Map<string, Promise<Buffer>>();
  readonly #sizes = new Map<string, number>();
  /** Chunks that were checked, of frames that are kept, by where they begin. */
  readonly #checked = new WeakMap<Buffer, Map<number, Buffer>>();
  #cachedBytes = 0;

  constructor(storage: Storage, keys: VaultKeys, chunkIds: ChunkIds) {
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
    const frame = await this.readFrame(index.frame(place.frame), index);
    return this.#chunkOf(frame, place, id);
  }

  /** An entry's content, chunk by chunk. */
  async *readContent(entry: Pick<Entry, 'chunks'>, index: ChunkIndex): AsyncGenerator<Buffer> {
    for (let at = 0; at < entry.chunks.length; at += CHUNK_ID_BYTES) {
      yield await this.readChunk(entry.chunks.subarray(at, at + CHUNK_ID_BYTES), index);
    }
  }

  /** A frame's plain bytes; the chunks of its dictionary are read first. */
  async readFrame(place: FramePlace, index: ChunkIndex): Promise<Buffer> {
    const key = `${place.pack}@${place.offset}`;
    const cached = this.#frames.get(key);
    if (cached !== undefined) {
      this.#frames.delete(key);
      this.#frames.set(key, cached);
      return cached;
    }
    const reading = this.#load(place, index);
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
      const frame = await this.#load(index.frame(chunkPlace.frame), index, depth + 1);
      parts.push(this.#chunkOf(frame, chunkPlace, id));
    }
    return Buffer.concat(parts);
  }

  #chunkOf(frame: Buffer, place: ChunkPlace, id: Buffer): Buffer {
    const chunk = frame.subarray(place.offset, place.offset + place.bytes);
    const checked = this.#checked.get(frame) ?? new Map<number, Buffer>();
    if (checked.get(place.offset)?.equals(id) === true) return chunk;
    const found = this.#chunkIds.of(chunk);
    if (found.equals(id)) {
      this.#checked.set(frame, checked.set(place.offset, found));
      return chunk;
    }
    throw new VaultError('damaged', `Chunk ${id.toString('hex', 0, 6)} is damaged: its content has changed.`);
  }

  async #load(place: FramePlace, index: ChunkIndex, depth = 0): Promise<Buffer> {
    const range = { offset: place.offset, length: place.sealedBytes };
    const sealed = await this.#storage.read(packName(place.pack), range);
    const coded = open(this.#keys, 'frame', packPosition(place.salt, place.offset), sealed);
    const dictionary = await this.readDictionary(place, index, depth);
    return decodeFrame(place.method, coded, place.plainBytes, dictionary);
  }

  #evict(): void {
    for (const key of this.#frames.keys()) {
      if (this.#cachedBytes <= MOST_CACHED_BYTES || this.#frames.size <= 1) return;
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    if (this.#frames.delete(key)) this.#cachedBytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
  }
}
