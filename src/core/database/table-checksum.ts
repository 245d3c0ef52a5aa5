import { crc32 } from 'node:zlib';

const LINE_FEED = 0x0a;
const SUM_BITS = 53;

/**
 * Counts a table’s rows and sums them up. With a key it is the CRC-32 of all lines in order; without one the sum of the
 * CRC-32 of every line, for nobody knows their order.
 */
export class TableChecksum {
  readonly #hasKey: boolean;
  #rows = 0;
  #bytes = 0;
  #crc = 0;
  /** The lines of a table without a key: their sum, and the CRC of the one that has begun. */
  #sum = 0;
  #line = 0;

  constructor(key: readonly number[]) {
    this.#hasKey = key.length > 0;
  }

  /** Takes the next bytes, wherever they are cut. */
  update(block: Buffer): void {
    this.#bytes += block.length;
    if (this.#hasKey) this.#crc = crc32(block, this.#crc);
    let start = 0;
    for (let at = block.indexOf(LINE_FEED); at >= 0; at = block.indexOf(LINE_FEED, start)) {
      if (!this.#hasKey) this.#endLine(block.subarray(start, at));
      start = at + 1;
      this.#rows++;
    }
    if (!this.#hasKey && start < block.length) this.#line = crc32(block.subarray(start), this.#line);
  }

  /** All lines so far; the last must have ended. */
  get value(): { readonly rows: number; readonly bytes: number; readonly checksum: string } {
    const checksum = this.#hasKey
      ? `crc32:${this.#crc.toString(16).padStart(8, '0')}`
      : `sum:${this.#sum.toString(16).padStart(Math.ceil(SUM_BITS / 4), '0')}`;
    return { rows: this.#rows, bytes: this.#bytes, checksum };
  }

  #endLine(rest: Buffer): void {
    // Spread over 53 bits, so that two changed lines do not easily cancel each other out.
    const crc = crc32(rest, this.#line);
    this.#sum = (this.#sum + crc * 0x1f_ffff + (crc >>> 7)) % 2 ** SUM_BITS;
    this.#line = 0;
  }
}
