import type { Storage } from '../storage/storage.ts';
import { BitSet } from './bit-set.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { codeFrame, decodeFrame, FrameMethod } from './frame.ts';
import type { ChunkIndex } from './index.ts';
import {
  decodeFrames,
  type FrameChunk,
  type FrameEntry,
  type ListedPack,
  listPack,
  PackBuilder,
  packName,
  packPosition,
} from './pack.ts';
import { readDamaged } from './read-damaged.ts';
import type { ChunkReader } from './reader.ts';
import { open, type VaultKeys } from './seal.ts';

const FRAME_BYTES = 1024 * 1024;
const PACK_BYTES = 16 * FRAME_BYTES;
const NOTHING = Buffer.alloc(0);

/** What a repacker needs of its vault. */
export interface RepackVault {
  readonly storage: Storage;
  readonly keys: VaultKeys;
  readonly reader: ChunkReader;
}

/** Chunks on their way from frames that were mostly waste. */
interface Gathered {
  readonly parts: Buffer[];
  readonly chunks: FrameChunk[];
  bytes: number;
}

/**
 * Moves what is still needed from old packs into new ones. A frame that is needed whole moves as it is, sealed anew at
 * its new place; of others the needed chunks are coded again. Old packs stay; nothing refers to the new ones yet.
 */
export class Repacker {
  /** New packs, as far as written. */
  readonly packs: ListedPack[] = [];
  /** Chunks moved, by number. */
  readonly moved: BitSet;
  readonly #vault: RepackVault;
  readonly #index: ChunkIndex;
  readonly #isNeeded: (chunk: number) => boolean;
  readonly #isManifest: (chunk: number) => boolean;
  readonly #content = newGathered();
  readonly #manifests = newGathered();
  #pack: PackBuilder | undefined;

  /** @param isManifest What is alike is coded together: parts of manifests are kept apart from content. */
  constructor(
    vault: RepackVault,
    index: ChunkIndex,
    isNeeded: (chunk: number) => boolean,
    isManifest: (chunk: number) => boolean,
  ) {
    this.#vault = vault;
    this.#index = index;
    this.#isNeeded = isNeeded;
    this.#isManifest = isManifest;
    this.moved = new BitSet(index.numberCount);
  }

  /**
   * Moves what is needed from one pack.
   * @param firstFrame The number of the pack's first frame in the index.
   * @throws {VaultError} `damaged` when a frame does not open; {StorageError}.
   */
  async take(pack: ListedPack, firstFrame: number): Promise<void> {
    const bytes = await readDamaged(this.#vault.storage, packName(pack.id), pack.bytes);
    for (const [at, frame] of decodeFrames(pack.listing).entries()) {
      const needed = this.#neededIn(frame, firstFrame + at);
      if (needed.length === 0) continue;
      const sealed = bytes.subarray(frame.offset, frame.offset + frame.sealedBytes);
      const coded = open(this.#vault.keys, 'frame', packPosition(pack.salt, frame.offset), sealed);
      if (needed.length === frame.chunks.length) await this.#add(coded, frame);
      else await this.#thinOut(coded, frame, firstFrame + at, needed);
      for (const { number } of needed) this.moved.add(number);
    }
  }

  /** Writes a chunk so that it stands alone. */
  async putAlone(chunk: number): Promise<void> {
    const id = this.#index.idOf(chunk);
    const bytes = await this.#vault.reader.readChunk(id, this.#index);
    await this.#gather(
      this.#content,
      { id, bytes: bytes.length, dictionaryFrom: 0, dictionaryCount: 0 },
      bytes,
    );
  }

  /** Writes what is left. */
  async finish(): Promise<readonly ListedPack[]> {
    await this.#flush(this.#content);
    await this.#flush(this.#manifests);
    await this.#closePack();
    return this.packs;
  }

  /** The chunks of a frame that are needed and that the index has found here, not in another copy. */
  #neededIn(frame: FrameEntry, frameNumber: number): NeededChunk[] {
    const needed: NeededChunk[] = [];
    let offset = 0;
    for (const chunk of frame.chunks) {
      const number = this.#index.find(chunk.id, 0);
      if (number >= 0 && this.#isNeeded(number)) {
        const place = this.#index.place(number);
        if (place.frame === frameNumber && place.offset === offset) needed.push({ chunk, number, offset });
      }
      offset += chunk.bytes;
    }
    return needed;
  }

  async #thinOut(
    coded: Buffer,
    frame: FrameEntry,
    frameNumber: number,
    needed: readonly NeededChunk[],
  ): Promise<void> {
    const dictionary = await this.#vault.reader.readDictionary(this.#index.frame(frameNumber), this.#index);
    const plain = decodeFrame(frame.method, coded, frame.plainBytes, dictionary);
    const partOf = ({ chunk, offset }: NeededChunk): Buffer => plain.subarray(offset, offset + chunk.bytes);
    if (frame.method === FrameMethod.delta) {
      const narrowed = narrowDictionary(frame.dictionary, needed);
      const parts = needed.map(partOf);
      await this.#code(parts, narrowed.chunks, narrowed.dictionary);
      return;
    }
    for (const one of needed) {
      const gathered = this.#isManifest(one.number) ? this.#manifests : this.#content;
      await this.#gather(gathered, one.chunk, partOf(one));
    }
  }

  async #gather(gathered: Gathered, chunk: FrameChunk, bytes: Buffer): Promise<void> {
    gathered.parts.push(Buffer.from(bytes));
    gathered.chunks.push(chunk);
    gathered.bytes += bytes.length;
    if (gathered.bytes >= FRAME_BYTES) await this.#flush(gathered);
  }

  async #flush(gathered: Gathered): Promise<void> {
    if (gathered.chunks.length === 0) return;
    await this.#code(gathered.parts.splice(0), gathered.chunks.splice(0), NOTHING);
    gathered.bytes = 0;
  }

  async #code(parts: readonly Buffer[], chunks: readonly FrameChunk[], dictionary: Buffer): Promise<void> {
    const plain = Buffer.concat(parts);
    const against: Buffer[] = [];
    for await (const part of this.#vault.reader.readContent({ chunks: dictionary }, this.#index)) {
      against.push(part);
    }
    const { method, bytes } = codeFrame(plain, Buffer.concat(against));
    const isDelta = method === FrameMethod.delta;
    await this.#add(bytes, {
      plainBytes: plain.length,
      method,
      dictionary: isDelta ? dictionary : NOTHING,
      chunks: isDelta
        ? chunks
        : chunks.map(({ id, bytes }) => ({ id, bytes, dictionaryFrom: 0, dictionaryCount: 0 })),
    });
  }

  async #add(coded: Uint8Array, frame: Omit<FrameEntry, 'offset' | 'sealedBytes'>): Promise<void> {
    this.#pack ??= new PackBuilder(this.#vault.keys);
    const { plainBytes, method, dictionary, chunks } = frame;
    this.#pack.add(coded, { plainBytes, method, dictionary, chunks });
    if (this.#pack.bytes >= PACK_BYTES) await this.#closePack();
  }

  async #closePack(): Promise<void> {
    if (this.#pack === undefined) return;
    const { pack, parts } = this.#pack.finish();
    this.#pack = undefined;
    await this.#vault.storage.write(packName(pack.id), parts);
    this.packs.push(listPack(pack));
  }
}

/** A chunk that is needed: its number in the index, and where it begins in its frame's plain bytes. */
interface NeededChunk {
  readonly chunk: FrameChunk;
  readonly number: number;
  readonly offset: number;
}

/** The part of a dictionary that some chunks are deltas against, and these chunks with their ranges in it. */
function narrowDictionary(
  dictionary: Buffer,
  needed: readonly NeededChunk[],
): { dictionary: Buffer; chunks: FrameChunk[] } {
  const used = new BitSet(dictionary.length / CHUNK_ID_BYTES);
  for (const { chunk } of needed) {
    for (let at = 0; at < chunk.dictionaryCount; at++) used.add(chunk.dictionaryFrom + at);
  }
  const numbers = [...used.values()];
  const narrowed = new Map(numbers.map((number, at) => [number, at]));
  return {
    dictionary: Buffer.concat(
      numbers.map((number) => dictionary.subarray(number * CHUNK_ID_BYTES, (number + 1) * CHUNK_ID_BYTES)),
    ),
    chunks: needed.map(({ chunk }) => ({
      ...chunk,
      dictionaryFrom: narrowed.get(chunk.dictionaryFrom) ?? 0,
    })),
  };
}

function newGathered(): Gathered {
  return { parts: [], chunks: [], bytes: 0 };
}
