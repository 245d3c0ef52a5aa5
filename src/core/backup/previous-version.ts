import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkWriter } from '../vault/writer.ts';

/** How far a change may have moved what follows, for the previous bytes still to be found. */
const SLACK_BYTES = 16 * 1024;

/**
 * Finds what a changed file's next bytes probably were in its previous version: the chunks around the same place,
 * counted from the last chunk that both versions have.
 */
export class PreviousVersion {
  readonly #ids: Buffer;
  /** Where each chunk begins; one more for the end. */
  readonly #starts: number[] = [0];
  readonly #numbers = new Map<string, number>();
  #at = 0;

  /** @param ids chunks of the version before, 32 bytes each */
  constructor(ids: Buffer, writer: ChunkWriter) {
    this.#ids = ids;
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      const number = at / CHUNK_ID_BYTES;
      this.#numbers.set(ids.toString('latin1', at, at + CHUNK_ID_BYTES), number);
      this.#starts.push(this.#starts[number]! + writer.bytesOf(ids, at));
    }
  }

  /** Ids of the chunks that the next `bytes` bytes probably replace. */
  around(bytes: number): Buffer {
    const last = this.#starts.length - 1;
    let from = 0;
    let to = last;
    // The first chunk that ends behind the place, and the first that begins behind its end.
    for (let high = last; from < high;) {
      const middle = (from + high) >> 1;
      if (this.#starts[middle + 1]! <= this.#at - SLACK_BYTES) from = middle + 1;
      else high = middle;
    }
    for (let low = from; low < to;) {
      const middle = (low + to) >> 1;
      if (this.#starts[middle]! < this.#at + bytes + SLACK_BYTES) low = middle + 1;
      else to = middle;
    }
    return this.#ids.subarray(from * CHUNK_ID_BYTES, to * CHUNK_ID_BYTES);
  }

  /** Goes on behind a chunk of the new version. */
  passed(id: Buffer, bytes: number): void {
    const number = this.#numbers.get(id.toString('latin1'));
    this.#at = number === undefined ? this.#at + bytes : this.#starts[number + 1]!;
  }
}
