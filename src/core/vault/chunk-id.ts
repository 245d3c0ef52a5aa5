import { createHash, hash } from 'node:crypto';

/** Bytes of a chunk id. */
export const CHUNK_ID_BYTES = 32;
const BLOCK_BYTES = 64;

/** Room that {@link ChunkIds.ofPart} needs in a buffer before the first chunk. */
export const CHUNK_ID_HEADROOM_BYTES = BLOCK_BYTES;

/**
 * Makes chunk ids: HMAC-SHA-256 (RFC 2104) of the plaintext. Written out as its two hashes, because node's one-shot
 * `hash()` costs a third of `createHmac()` for the small chunks that most files are.
 */
export class ChunkIds {
  readonly #inner = Buffer.alloc(BLOCK_BYTES, 0x36);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + CHUNK_ID_BYTES, 0x5c);
  readonly #saved = Buffer.allocUnsafe(BLOCK_BYTES);

  constructor(key: Buffer) {
    if (key.length > BLOCK_BYTES) throw new RangeError('a chunk-id key has at most 64 bytes');
    for (const [at, byte] of key.entries()) {
      this.#inner[at] = 0x36 ^ byte;
      this.#outer[at] = 0x5c ^ byte;
    }
  }

  /** The id of any bytes. */
  of(chunk: Uint8Array): Buffer {
    return this.#finish(createHash('sha256').update(this.#inner).update(chunk).digest('binary'));
  }

  /**
   * The id of `bytes` bytes at `offset` in `buffer`, which must have {@link CHUNK_ID_HEADROOM_BYTES} before them: these
   * hold the key block while the hash is taken and are put back.
   */
  ofPart(buffer: Buffer, offset: number, bytes: number): Buffer {
    const start = offset - BLOCK_BYTES;
    buffer.copy(this.#saved, 0, start, offset);
    this.#inner.copy(buffer, start);
    const inner = hash('sha256', buffer.subarray(start, offset + bytes), 'binary');
    this.#saved.copy(buffer, start);
    return this.#finish(inner);
  }

  /** Digests travel as latin1 strings: a buffer made by the hash costs five times as much, and the collector later. */
  #finish(inner: string): Buffer {
    this.#outer.write(inner, BLOCK_BYTES, 'latin1');
    return Buffer.from(hash('sha256', this.#outer, 'binary'), 'latin1');
  }
}
