import type { Listed, Scanned } from '../source/scan.ts';
import { readSmall } from '../source/read-small.ts';
import type { FileStat } from '../source/stat.ts';
import type { Trouble } from '../source/trouble.ts';
import { CHUNK_ID_HEADROOM_BYTES, ChunkIds } from '../vault/chunk-id.ts';
import { type Chunker, createChunker } from '../vault/chunker.ts';
import { contentKind } from './content-kind.ts';
import { cutterFor } from './cutter.ts';
import type { ContentOrder, ScanBatch } from './scan-messages.ts';

/** Larger files are left to who takes the entries: several threads cannot read them faster than one. */
const MOST_FILE_BYTES = 1024 * 1024;
/** A batch ends when it holds so much content. */
const BATCH_BYTES = 1024 * 1024;
/** Memory a batch takes. */
export const BATCH_MEMORY_BYTES = CHUNK_ID_HEADROOM_BYTES + BATCH_BYTES + MOST_FILE_BYTES;
const NOTHING = Buffer.alloc(0);

/** An entry as it was found, with the ids of its chunks if its content was read. */
type Read = FileStat & { readonly target?: string; readonly chunks: Buffer };

/** Reads the content of files into the memory of a batch, cut into chunks that have their ids. */
export class ContentReader {
  readonly #ids: ChunkIds | undefined;
  readonly #chunker: Chunker | undefined;
  #memory: Buffer = NOTHING;
  #at = 0;
  #lengths: number[] = [];

  /** @param order undefined when no content is wanted. */
  constructor(order: ContentOrder | undefined) {
    if (order === undefined) return;
    this.#ids = new ChunkIds(Buffer.from(order.chunkIdKey));
    this.#chunker = createChunker(Buffer.from(order.gear), order.sizes);
  }

  /** Begins a batch. @param memory `BATCH_MEMORY_BYTES`, if content is wanted. */
  begin(memory: SharedArrayBuffer | undefined): void {
    this.#memory = memory === undefined ? NOTHING : Buffer.from(memory);
    this.#at = CHUNK_ID_HEADROOM_BYTES;
    this.#lengths = [];
  }

  /** Whether the batch holds enough content. */
  get isFull(): boolean {
    return this.#at - CHUNK_ID_HEADROOM_BYTES >= BATCH_BYTES;
  }

  /**
   * What is to be known of an entry. A file that has content but no chunks is to be read by somebody else: it is large,
   * or does not hold still.
   */
  read(found: Scanned | Listed, file: string, path: string): Read | { readonly trouble: Trouble } {
    if (found.size !== undefined) return { ...found, chunks: NOTHING };
    const room = this.#memory.subarray(0, this.#at + MOST_FILE_BYTES);
    const read = readSmall(file, undefined, room, this.#at);
    if (read.kind === 'failed') return { trouble: read.trouble };
    if (read.kind === 'unsettled') return { ...read.stat, chunks: NOTHING };
    return { ...read.stat, chunks: this.#cut(read.bytes, path) };
  }

  /** Ends the batch. */
  finish(): Pick<ScanBatch, 'content' | 'chunkLengths'> {
    const chunkLengths = Uint32Array.from(this.#lengths);
    if (this.#ids === undefined) return { content: new Uint8Array(), chunkLengths };
    return { content: this.#memory.subarray(CHUNK_ID_HEADROOM_BYTES, this.#at), chunkLengths };
  }

  #cut(bytes: number, path: string): Buffer {
    const cut = cutterFor(contentKind(path), this.#chunker!);
    const end = this.#at + bytes;
    const ids: Buffer[] = [];
    while (this.#at < end) {
      const length = cut(this.#memory, this.#at, end);
      ids.push(this.#ids!.ofPart(this.#memory, this.#at, length));
      this.#lengths.push(length);
      this.#at += length;
    }
    return ids.length === 1 ? ids[0]! : Buffer.concat(ids);
  }
}
