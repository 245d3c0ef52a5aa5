import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { RowChunks } from './rows-side.ts';

const LINE_FEED = 0x0a;
/** So many chunks are decoded ahead of being counted. */
const CHUNKS_AHEAD = 96;

/** The beginning of a chunk that begins with a row, and how many rows come before it. */
export interface ChunkPlace {
  readonly chunk: number;
  readonly row: number;
}

/**
 * Knows in which chunk of a table a row is. How many rows a chunk has is found out by reading it, once, from whichever
 * end of the table is nearer: the last rows are found as soon as the first.
 */
export class RowPlaces {
  readonly #ids: Buffer;
  readonly #chunks: RowChunks;
  /** How many rows end before each chunk, and behind the last; known up to the front and from the back on. */
  readonly #before: Float64Array;
  /** Whether a chunk ends with its last row: 1 yes, 2 no, 0 not yet known. */
  readonly #isWhole: Uint8Array;
  #front = 0;
  #back: number;

  /** @param total how many rows there are in all */
  constructor(ids: Buffer, chunks: RowChunks, total: number) {
    const count = ids.length / CHUNK_ID_BYTES;
    this.#ids = ids;
    this.#chunks = chunks;
    this.#before = new Float64Array(count + 1);
    this.#before[count] = total;
    this.#isWhole = new Uint8Array(count);
    this.#back = count;
  }

  /**
   * The last chunk that begins with a row and has or precedes the one with this number, which counts from 0.
   * @throws {VaultError} `damaged`, `missing-chunk`; {CancelledError}
   */
  async find(row: number, task: Task): Promise<ChunkPlace> {
    const before = this.#before;
    while (row >= before[this.#front]! && row < before[this.#back]!) {
      throwIfCancelled(task);
      if (row - before[this.#front]! <= before[this.#back]! - row) {
        const chunk = this.#front;
        if (chunk % CHUNKS_AHEAD === 0) this.#readAhead();
        before[chunk + 1] = before[chunk]! + (await this.#count(chunk));
        this.#front = Math.max(this.#front, chunk + 1);
      } else await this.#goBack();
    }
    let chunk = this.#lastNotBehind(row);
    while (chunk > 0) {
      if (chunk === this.#back && chunk > this.#front) await this.#goBack();
      if (await this.#endsRow(chunk - 1)) break;
      chunk--;
    }
    return { chunk, row: before[chunk]! };
  }

  async #goBack(): Promise<void> {
    const chunk = this.#back - 1;
    this.#before[chunk] = this.#before[chunk + 1]! - (await this.#count(chunk));
    this.#back = Math.min(this.#back, chunk);
  }

  /** The last chunk, of those with a known number, before which at most so many rows end. */
  #lastNotBehind(row: number): number {
    const isInFront = row < this.#before[this.#front]!;
    let low = isInFront ? 0 : this.#back;
    let high = isInFront ? this.#front : this.#isWhole.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#before[middle]! <= row) low = middle;
      else high = middle;
    }
    return low;
  }

  async #endsRow(chunk: number): Promise<boolean> {
    if (this.#isWhole[chunk] === 0) await this.#count(chunk);
    return this.#isWhole[chunk] === 1;
  }

  async #count(chunk: number): Promise<number> {
    const bytes = await this.#chunks.read(this.#id(chunk, 1));
    this.#isWhole[chunk] = bytes.at(-1) === LINE_FEED ? 1 : 2;
    let rows = 0;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) rows++;
    return rows;
  }

  #readAhead(): void {
    const count = Math.min(CHUNKS_AHEAD, this.#back - this.#front);
    if (count === CHUNKS_AHEAD) this.#chunks.ahead?.(this.#id(this.#front, count));
  }

  #id(chunk: number, count: number): Buffer {
    return this.#ids.subarray(chunk * CHUNK_ID_BYTES, (chunk + count) * CHUNK_ID_BYTES);
  }
}
