import { CHUNK_ID_BYTES, ChunkIds } from './chunk-id.ts';
import { decodeFrame, type FrameMethod, SPARE_BYTES } from './frame.ts';
import { open, type VaultKeys } from './seal.ts';

/** A frame that a worker thread decodes. */
export interface FrameJob {
  readonly method: FrameMethod;
  readonly sealed: Uint8Array<ArrayBuffer>;
  /** What the seal is bound to. */
  readonly position: Uint8Array;
  readonly keys: Pick<VaultKeys, 'vaultId' | 'sealing' | 'chunkId'>;
  readonly plainBytes: number;
  readonly dictionary: Uint8Array<SharedArrayBuffer> | undefined;
  /** Offset and length of each chunk whose id is wanted. */
  readonly chunks: readonly number[];
}

/** A frame’s plain bytes, and the ids of its chunks that were asked for, one after the other. */
export interface DecodedFrame {
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly ids: Uint8Array;
}

/** Opens and decodes a frame and makes the ids of its chunks. @throws {VaultError} `damaged`. */
export function decodeJob(job: FrameJob): DecodedFrame {
  const { method, sealed, position, keys, plainBytes, dictionary, chunks } = job;
  const coded = open(keys, 'frame', position, Buffer.from(sealed.buffer));
  const decoded = decodeFrame(method, coded, plainBytes, dictionary);
  const chunkIds = new ChunkIds(Buffer.from(keys.chunkId));
  const ids = Buffer.allocUnsafeSlow((chunks.length / 2) * CHUNK_ID_BYTES);
  for (let at = 0; at < chunks.length; at += 2) {
    const chunk = decoded.subarray(chunks[at], chunks[at]! + chunks[at + 1]!);
    chunkIds.of(chunk).copy(ids, (at / 2) * CHUNK_ID_BYTES);
  }
  const spare = decoded.buffer.byteLength - decoded.length;
  // What is handed over is handed over with all of its memory.
  const isAlone = spare <= SPARE_BYTES;
  const plain = isAlone ? (decoded as Uint8Array<ArrayBuffer>) : new Uint8Array(decoded);
  return { plain, ids };
}
