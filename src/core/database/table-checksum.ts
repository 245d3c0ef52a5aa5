import { crc32 } from 'node:zlib';
import { hashBytes, mixed } from './row-hash.ts';

const LINE_FEED = 0x0a;
const FOUR_LINE_FEEDS = 0x0a0a0a0a;
const SEED = 0x811c9dc5;

/**
 * Counts a table’s rows and sums them up. With a key it is the CRC-32 of all lines in order; without one two sums of
 * hashes of every line, for nobody knows their order.
 */
export class TableChecksum {
  readonly #hasKey: boolean;
  #rows = 0;
  #bytes = 0;
  #crc = 0;
  /** The lines of a table without a key: their sums of 32 bits each, and the hash of the one that has begun. */
  #sum = 0;
  #mixedSum = 0;
  #line = SEED;

  /** @param key numbers of the key’s columns; empty without a key */
  constructor(key: readonly number[]) {
    this.#hasKey = key.length > 0;
  }

  /**
   * Takes the next bytes, wherever they are cut.
   * @param rows how many rows end in them, if that is known
   */
  update(block: Buffer, rows?: number): void {
    this.#bytes += block.length;
    if (!this.#hasKey) {
      this.#addLines(block);
      return;
    }
    this.#crc = crc32(block, this.#crc);
    this.#rows += rows ?? countLineFeeds(block);
  }

  /** All lines so far; the last must have ended. */
  get value(): { readonly rows: number; readonly bytes: number; readonly checksum: string } {
    const checksum = this.#hasKey
      ? `crc32:${hexadecimal(this.#crc)}`
      : `sum:${hexadecimal(this.#mixedSum)}${hexadecimal(this.#sum)}`;
    return { rows: this.#rows, bytes: this.#bytes, checksum };
  }

  #addLines(block: Buffer): void {
    let start = 0;
    for (let at = block.indexOf(LINE_FEED); at >= 0; at = block.indexOf(LINE_FEED, start)) {
      const hash = mixed(hashBytes(block, start, at, this.#line));
      // Integers only: what is rounded depends on the order.
      this.#sum = (this.#sum + hash) | 0;
      // So that two changed lines do not easily cancel each other out.
      this.#mixedSum = (this.#mixedSum + mixed(hash)) | 0;
      this.#line = SEED;
      this.#rows++;
      start = at + 1;
    }
    this.#line = hashBytes(block, start, block.length, this.#line);
  }
}

function hexadecimal(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0');
}

/** Four bytes at a time: most of them are none. */
function countLineFeeds(block: Buffer): number {
  // A view of words can only begin at a multiple of their length.
  const head = -block.byteOffset & 3;
  const words =
    block.length < head
      ? new Int32Array()
      : new Int32Array(block.buffer, block.byteOffset + head, (block.length - head) >> 2);
  let count = 0;
  // An iterator would cost more than the work.
  for (let at = 0, end = words.length; at < end; at++) {
    const other = words[at]! ^ FOUR_LINE_FEEDS;
    // A byte that is 0 makes a bit of this 1; some others may, too.
    if (((other - 0x01010101) & ~other & 0x80808080) === 0) continue;
    if ((other & 0xff) === 0) count++;
    if ((other & 0xff00) === 0) count++;
    if ((other & 0xff0000) === 0) count++;
    if ((other & 0xff000000) === 0) count++;
  }
  const tail = head + words.length * 4;
  for (let at = 0; at < block.length; at++) {
    if (at === head) at = Math.max(at, tail);
    if (block[at] === LINE_FEED) count++;
  }
  return count;
}
