import type { Storage } from '../storage/storage.ts';
import type { ChunkIndex } from './index.ts';
import { encodeIndexFile } from './index-file.ts';
import { Jobs } from './jobs.ts';
import { type FrameEntry, type ListedPack, listPack, type Pack, PackBuilder, packName } from './pack.ts';
import type { VaultKeys } from './seal.ts';

/** A pack is closed when it holds this many bytes. */
const PACK_BYTES = 16 * 1024 * 1024;
/** Packs on their way to the storage at once. */
const MOST_STORING = 3;

/** Where packs go. */
export interface PackWriterOptions {
  readonly storage: Storage;
  readonly keys: VaultKeys;
  /** Is told where each frame stands. */
  readonly index: ChunkIndex;
  /** Measures everything, writes nothing. */
  readonly dryRun: boolean;
  /** Packs an interrupted backup left; the index file lists them too. */
  readonly adopted: readonly ListedPack[];
}

/** Puts coded frames into packs, which are written as they fill, and lists them in an index file at the end. */
export class PackWriter {
  /** Packs on their way to the storage. */
  readonly storing = new Jobs();
  /** Ids of the packs it has written. */
  readonly written = new Set<string>();
  readonly #options: PackWriterOptions;
  readonly #finished: ListedPack[];
  #pack: PackBuilder | undefined;
  /** The numbers of the frames in the open pack. */
  #frames: number[] = [];
  #storedBytes = 0;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.#finished = [...options.adopted];
  }

  /** Bytes the storage has taken. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  get isBusy(): boolean {
    return this.storing.size >= MOST_STORING;
  }

  /** Takes a coded frame; `number` is its number in the index. */
  add(number: number, coded: Uint8Array, frame: Omit<FrameEntry, 'offset' | 'sealedBytes'>): void {
    const { keys, index } = this.#options;
    this.#pack ??= new PackBuilder(keys);
    index.closeFrame(number, UNFINISHED, this.#pack.add(coded, frame));
    this.#frames.push(number);
    if (this.#pack.bytes >= PACK_BYTES) this.#closePack();
  }

  /**
   * Writes the open pack, then the index file.
   * @throws {StorageError} when the storage cannot take them, or could not take an earlier pack.
   */
  async finish(): Promise<void> {
    this.storing.throwIfFailed();
    this.#closePack();
    await this.storing.settle();
    this.storing.throwIfFailed();
    if (this.#finished.length === 0) return;
    const { storage, keys, dryRun } = this.#options;
    const { name, bytes } = encodeIndexFile(keys, this.#finished);
    if (!dryRun) await storage.write(name, [bytes]);
    this.#storedBytes += bytes.length;
    this.#finished.length = 0;
  }

  #closePack(): void {
    if (this.#pack === undefined) return;
    const { pack, parts } = this.#pack.finish();
    for (const [at, number] of this.#frames.entries())
      this.#options.index.closeFrame(number, pack, pack.frames[at]!);
    this.#pack = undefined;
    this.#frames = [];
    this.storing.follow(this.#store(pack, parts));
  }

  async #store(pack: Pack, parts: readonly Buffer[]): Promise<void> {
    if (!this.#options.dryRun) await this.#options.storage.write(packName(pack.id), parts);
    this.#finished.push(listPack(pack));
    this.written.add(pack.id);
    this.#storedBytes += pack.bytes;
  }
}

const UNFINISHED = { id: '', salt: Buffer.alloc(0), bytes: 0 };
