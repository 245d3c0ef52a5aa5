import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { Chunker } from '../vault/chunker.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import { ChunkList } from './chunk-list.ts';
import { PreviousVersion } from './previous-version.ts';

/** How a stream is cut: `blocks` of the same size, or by `content`. */
export type StreamCut = 'blocks' | 'content';

const BLOCK_BYTES = 64 * 1024;

/** Cuts a stream of bytes and puts the chunks into the vault, each against what stood at its place before. */
export class StreamStore {
  readonly #writer: ChunkWriter;
  readonly #chunker: Chunker;
  readonly #cut: StreamCut;
  readonly #base: Buffer;
  readonly #previous: PreviousVersion | undefined;
  readonly #ids = new ChunkList();
  readonly #most: number;
  readonly #held: Buffer;
  #start = 0;
  #end = 0;
  #bytes = 0;

  /** @param base ids of the chunks of the version before */
  constructor(writer: ChunkWriter, chunker: Chunker, cut: StreamCut, base: Buffer) {
    this.#writer = writer;
    this.#chunker = chunker;
    this.#cut = cut;
    this.#base = base;
    this.#previous = cut === 'content' ? new PreviousVersion(base, writer) : undefined;
    this.#most = cut === 'content' ? chunker.sizes.max : BLOCK_BYTES;
    this.#held = Buffer.allocUnsafeSlow(4 * this.#most);
  }

  /** Takes the next bytes. */
  write(block: Buffer): void {
    this.#bytes += block.length;
    for (let at = 0; at < block.length;) {
      if (this.#end === this.#held.length) {
        this.#held.copyWithin(0, this.#start, this.#end);
        this.#end -= this.#start;
        this.#start = 0;
      }
      const taken = block.copy(this.#held, this.#end, at);
      at += taken;
      this.#end += taken;
      // What is shorter than a largest chunk may be cut elsewhere once more is known.
      while (this.#end - this.#start >= this.#most) this.#putNext();
    }
  }

  /** Ends the stream. */
  finish(): { readonly chunks: Buffer; readonly bytes: number } {
    while (this.#start < this.#end) this.#putNext();
    return { chunks: this.#ids.finish(), bytes: this.#bytes };
  }

  #putNext(): void {
    const length =
      this.#cut === 'content'
        ? this.#chunker.cut(this.#held, this.#start, this.#end)
        : Math.min(BLOCK_BYTES, this.#end - this.#start);
    const chunk = this.#held.subarray(this.#start, this.#start + length);
    const id = this.#writer.put('binary', chunk, this.#before(length));
    this.#previous?.passed(id, length);
    this.#ids.add(id);
    this.#start += length;
  }

  #before(length: number): Buffer {
    if (this.#previous !== undefined) return this.#previous.around(length);
    const at = this.#ids.count * CHUNK_ID_BYTES;
    return this.#base.subarray(at, at + CHUNK_ID_BYTES);
  }
}
