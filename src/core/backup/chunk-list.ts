import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';

/** Ids of chunks in order, in one piece of memory: a table can have hundreds of thousands. */
export class ChunkList {
  #ids = Buffer.allocUnsafeSlow(8 * CHUNK_ID_BYTES);
  #end = 0;

  add(id: Buffer): void {
    if (this.#end === this.#ids.length) {
      const ids = Buffer.allocUnsafeSlow(this.#ids.length * 2);
      this.#ids.copy(ids);
      this.#ids = ids;
    }
    this.#end += id.copy(this.#ids, this.#end, 0, CHUNK_ID_BYTES);
  }

  /** How many there are. */
  get count(): number {
    return this.#end / CHUNK_ID_BYTES;
  }

  /** All of them, 32 bytes each. */
  finish(): Buffer {
    return Buffer.from(this.#ids.subarray(0, this.#end));
  }
}
