import { createHash } from 'node:crypto';
import { ChunkIds } from './chunk-id.ts';
import { decodeFrame, FrameMethod } from './frame.ts';
import { decodeFrames, type FrameEntry, openFooter, packHeaderSalt, packPosition } from './pack.ts';
import { open, type SealKeys } from './seal.ts';

/** The keys that a check needs; they may come from another thread, as plain arrays of bytes. */
export interface CheckKeys {
  readonly vaultId: Uint8Array;
  readonly sealing: Uint8Array;
  readonly chunkId: Uint8Array;
}

/** A whole pack to be checked. */
export interface PackCheck {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly keys: CheckKeys;
  /** What the pack should hold, as an index file or its own footer says. */
  readonly listed: { readonly salt: Uint8Array; readonly listing: Uint8Array };
}

/** What a check has found in one pack. */
export interface PackReport {
  /** A sentence each of what is damaged besides frames. */
  readonly problems: readonly string[];
  /** How many frames it has; 0 when it cannot be read at all. */
  readonly frames: number;
  /** Numbers of frames that do not open, do not decode or hold other chunks than they should. */
  readonly badFrames: readonly number[];
  /** Numbers of delta frames that open; they are to be decoded by {@link checkDelta}. */
  readonly deltaFrames: readonly number[];
  /** Chunks whose content was found right. */
  readonly chunks: number;
}

/** Checks every byte of a pack: its name, header, footer, and all frames and chunks that stand alone. Pure. */
export function checkPack({ id, bytes: given, keys, listed }: PackCheck): PackReport {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const problems: string[] = [];
  const salt = Buffer.from(listed.salt);
  if (!packHeaderSalt(bytes)?.equals(salt)) problems.push('Its header is damaged.');
  const listing = Buffer.from(listed.listing);
  if (!openFooter(sealKeysOf(keys), bytes, salt)?.equals(listing)) problems.push('Its footer is damaged.');
  const checked = checkFrames(bytes, listing, salt, keys);
  const isRight = problems.length + checked.badFrames.length === 0;
  if (isRight && createHash('sha256').update(bytes).digest('hex') !== id) {
    problems.push('Its name is not that of its content.');
  }
  return { problems, ...checked };
}

function checkFrames(
  bytes: Buffer,
  listing: Buffer,
  salt: Buffer,
  keys: CheckKeys,
): { frames: number; badFrames: number[]; deltaFrames: number[]; chunks: number } {
  const sealKeys = sealKeysOf(keys);
  const chunkIds = new ChunkIds(Buffer.from(keys.chunkId));
  const frames = decodeFrames(listing);
  const badFrames: number[] = [];
  const deltaFrames: number[] = [];
  let chunks = 0;
  for (const [number, frame] of frames.entries()) {
    try {
      const sealed = bytes.subarray(frame.offset, frame.offset + frame.sealedBytes);
      const coded = open(sealKeys, 'frame', packPosition(salt, frame.offset), sealed);
      if (frame.method === FrameMethod.delta) {
        deltaFrames.push(number);
        continue;
      }
      const plain = decodeFrame(frame.method, coded, frame.plainBytes);
      if (!holdsItsChunks(plain, frame, chunkIds)) badFrames.push(number);
      else chunks += frame.chunks.length;
    } catch {
      badFrames.push(number);
    }
  }
  return { frames: frames.length, badFrames, deltaFrames, chunks };
}

/** A delta frame to be checked. */
export interface DeltaCheck {
  readonly sealed: Uint8Array;
  readonly salt: Uint8Array;
  /** The bytes of the chunks its dictionary names. */
  readonly dictionary: Uint8Array;
  /** The frame as a listing of one. */
  readonly listing: Uint8Array;
  readonly keys: CheckKeys;
}

/** Whether a delta frame opens, decodes, and holds the chunks it should. Pure. */
export function checkDelta({ sealed, salt, dictionary, listing, keys }: DeltaCheck): boolean {
  const [frame] = decodeFrames(Buffer.from(listing));
  if (frame === undefined) return false;
  try {
    const position = packPosition(Buffer.from(salt), frame.offset);
    const coded = open(sealKeysOf(keys), 'frame', position, Buffer.from(sealed));
    const plain = decodeFrame(frame.method, coded, frame.plainBytes, dictionary);
    return holdsItsChunks(plain, frame, new ChunkIds(Buffer.from(keys.chunkId)));
  } catch {
    return false;
  }
}

function holdsItsChunks(plain: Buffer, frame: FrameEntry, chunkIds: ChunkIds): boolean {
  let offset = 0;
  for (const { id, bytes } of frame.chunks) {
    if (!chunkIds.of(plain.subarray(offset, offset + bytes)).equals(id)) return false;
    offset += bytes;
  }
  return offset === plain.length;
}

function sealKeysOf({ vaultId, sealing }: CheckKeys): SealKeys {
  return { vaultId: Buffer.from(vaultId), sealing: Buffer.from(sealing) };
}
