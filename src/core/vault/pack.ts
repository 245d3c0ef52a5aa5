import { createHash, type Hash, randomBytes } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { VaultError } from './error.ts';
import { FrameMethod } from './frame.ts';
import { open, seal, sealParts, SEAL_OVERHEAD_BYTES, type SealKeys } from './seal.ts';

const MAGIC = Buffer.from('CRMPACK1');
const SALT_BYTES = 16;
const TRAILER_BYTES = 8;
const TRAILER_MAGIC = 0x46_4d_52_43; // “CRMF”, little-endian

/** Bytes before a pack's first frame. */
const PACK_HEADER_BYTES = MAGIC.length + SALT_BYTES;

/** One chunk in a frame. In a delta frame, `dictionaryFrom/Count` name the dictionary chunks it corresponds to. */
export interface FrameChunk {
  readonly id: Buffer;
  readonly bytes: number;
  readonly dictionaryFrom: number;
  readonly dictionaryCount: number;
}

/** A frame as its pack's footer lists it. */
export interface FrameEntry {
  /** Where the sealed bytes begin in the pack. */
  readonly offset: number;
  readonly sealedBytes: number;
  readonly plainBytes: number;
  readonly method: FrameMethod;
  /** Ids of the chunks that make up the dictionary, in order, 32 bytes each; empty but for a delta frame. */
  readonly dictionary: Buffer;
  readonly chunks: readonly FrameChunk[];
}

/** Which pack: its id, what its seals are bound to, and how many bytes it has. */
export interface PackHead {
  readonly id: string;
  readonly salt: Buffer;
  readonly bytes: number;
}

/** A finished pack. */
export interface Pack extends PackHead {
  readonly frames: readonly FrameEntry[];
}

/** A pack and its frames as bytes, which are a tenth of the objects: {@link decodeFrames} makes these. */
export interface ListedPack extends PackHead {
  readonly listing: Buffer;
}

/** A pack as its footer and an index file list it. */
export function listPack({ id, salt, bytes, frames }: Pack): ListedPack {
  return { id, salt, bytes, listing: encodeFrames(frames) };
}

/** The object name of a pack. */
export function packName(id: string): string {
  return `packs/${id.slice(0, 2)}/${id}.pack`;
}

/** Gathers sealed frames into one pack in memory. */
export class PackBuilder {
  readonly salt = randomBytes(SALT_BYTES);
  readonly frames: FrameEntry[] = [];
  readonly #keys: SealKeys;
  readonly #hash: Hash = createHash('sha256');
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(keys: SealKeys) {
    this.#keys = keys;
    this.#append(Buffer.concat([MAGIC, this.salt]));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Seals a coded frame at the pack's end; returns where it stands. */
  add(coded: Uint8Array, frame: Omit<FrameEntry, 'offset' | 'sealedBytes'>): FrameEntry {
    const offset = this.#bytes;
    for (const part of sealParts(this.#keys, 'frame', packPosition(this.salt, offset), coded)) {
      this.#append(part);
    }
    const entry: FrameEntry = { ...frame, offset, sealedBytes: this.#bytes - offset };
    this.frames.push(entry);
    return entry;
  }

  /** Closes the pack with its footer; the pack's id is the SHA-256 of all its bytes. */
  finish(): { pack: Pack; parts: readonly Buffer[] } {
    const footer = seal(
      this.#keys,
      'footer',
      packPosition(this.salt, this.#bytes),
      encodeFrames(this.frames),
    );
    this.#append(footer);
    const trailer = Buffer.allocUnsafe(TRAILER_BYTES);
    trailer.writeUInt32LE(footer.length, 0);
    trailer.writeUInt32LE(TRAILER_MAGIC, 4);
    this.#append(trailer);
    return {
      pack: { id: this.#hash.digest('hex'), salt: this.salt, bytes: this.#bytes, frames: this.frames },
      parts: this.#parts,
    };
  }

  #append(part: Buffer): void {
    this.#parts.push(part);
    this.#hash.update(part);
    this.#bytes += part.length;
  }
}

/** What a frame's or footer's seal is bound to: the pack's salt and the offset in it. */
export function packPosition(salt: Buffer, offset: number): Buffer {
  const position = Buffer.allocUnsafe(SALT_BYTES + 8);
  salt.copy(position, 0);
  position.writeBigUInt64LE(BigInt(offset), SALT_BYTES);
  return position;
}

/** The salt in a pack's header, or undefined when the bytes do not begin with one. */
export function packHeaderSalt(bytes: Buffer): Buffer | undefined {
  if (bytes.length < PACK_HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  return bytes.subarray(MAGIC.length, PACK_HEADER_BYTES);
}

/** The listing in the footer of a whole pack, or undefined when footer or trailer are not what they should be. */
export function openFooter(keys: SealKeys, bytes: Buffer, salt: Buffer): Buffer | undefined {
  const footerBytes = footerBytesOf(bytes.subarray(-TRAILER_BYTES));
  const offset = bytes.length - TRAILER_BYTES - (footerBytes ?? Infinity);
  if (footerBytes === undefined || offset < PACK_HEADER_BYTES) return undefined;
  try {
    return open(keys, 'footer', packPosition(salt, offset), bytes.subarray(offset, offset + footerBytes));
  } catch {
    return undefined;
  }
}

function footerBytesOf(trailer: Buffer): number | undefined {
  const isTrailer = trailer.length === TRAILER_BYTES && trailer.readUInt32LE(4) === TRAILER_MAGIC;
  return isTrailer ? trailer.readUInt32LE(0) : undefined;
}

/**
 * Reads a pack's footer from the storage.
 * @throws {VaultError} `damaged` when header, trailer or footer are not what they should be.
 */
export async function readFooter(
  storage: Storage,
  keys: SealKeys,
  id: string,
  bytes: number,
): Promise<ListedPack> {
  const name = packName(id);
  const damaged = (why: string): VaultError =>
    new VaultError('damaged', `Pack ${id.slice(0, 12)} is damaged: ${why}.`, {
      hint: 'Run “crm-backup repair” to rebuild what can be rebuilt.',
    });
  if (bytes < PACK_HEADER_BYTES + SEAL_OVERHEAD_BYTES + TRAILER_BYTES) throw damaged('it is too short');
  const salt = packHeaderSalt(await storage.read(name, { offset: 0, length: PACK_HEADER_BYTES }));
  if (salt === undefined) throw damaged('its header is not a pack’s');
  const trailer = await storage.read(name, { offset: bytes - TRAILER_BYTES, length: TRAILER_BYTES });
  const footerBytes = footerBytesOf(trailer);
  const footerOffset = bytes - TRAILER_BYTES - (footerBytes ?? Infinity);
  if (footerBytes === undefined || footerOffset < PACK_HEADER_BYTES) {
    throw damaged('its trailer is not a pack’s');
  }
  const sealed = await storage.read(name, { offset: footerOffset, length: footerBytes });
  try {
    return { id, salt, bytes, listing: open(keys, 'footer', packPosition(salt, footerOffset), sealed) };
  } catch {
    throw damaged('its footer’s seal does not match');
  }
}

const FRAME_HEAD_BYTES = 20;
const CHUNK_BYTES = CHUNK_ID_BYTES + 4;
const DELTA_CHUNK_BYTES = CHUNK_BYTES + 4;

/** The byte form of a list of frames, as footers and index files hold it (`docs/vault-format.md`). */
export function encodeFrames(frames: readonly FrameEntry[]): Buffer {
  let size = 4;
  for (const frame of frames) {
    const chunkBytes = frame.method === FrameMethod.delta ? DELTA_CHUNK_BYTES : CHUNK_BYTES;
    size += FRAME_HEAD_BYTES + frame.dictionary.length + frame.chunks.length * chunkBytes;
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.writeUInt32LE(frames.length, 0);
  for (const frame of frames) {
    at = bytes.writeUInt32LE(frame.offset, at);
    at = bytes.writeUInt32LE(frame.sealedBytes, at);
    at = bytes.writeUInt32LE(frame.plainBytes, at);
    at = bytes.writeUInt16LE(frame.method, at);
    at = bytes.writeUInt16LE(frame.dictionary.length / CHUNK_ID_BYTES, at);
    at = bytes.writeUInt32LE(frame.chunks.length, at);
    at += frame.dictionary.copy(bytes, at);
    for (const chunk of frame.chunks) {
      at += chunk.id.copy(bytes, at);
      at = bytes.writeUInt32LE(chunk.bytes, at);
      if (frame.method === FrameMethod.delta) {
        at = bytes.writeUInt16LE(chunk.dictionaryFrom, at);
        at = bytes.writeUInt16LE(chunk.dictionaryCount, at);
      }
    }
  }
  return bytes;
}

/** A frame in a list of frames, and where the list has its chunks. */
export interface ListedFrame extends Omit<FrameEntry, 'chunks'> {
  /** Where the first chunk's bytes begin: its id, then the number of its plain bytes. */
  readonly chunksAt: number;
  readonly chunksEnd: number;
  /** Bytes from one chunk to the next. */
  readonly chunkStep: number;
}

/**
 * Reads what {@link encodeFrames} wrote but for the chunks, which {@link listedChunk} reads one by one.
 * @throws {VaultError} `damaged` when it does not add up.
 */
export function listFrames(bytes: Buffer): ListedFrame[] {
  try {
    const frames: ListedFrame[] = [];
    const count = bytes.readUInt32LE(0);
    let at = 4;
    for (let number = 0; number < count; number++) {
      const offset = bytes.readUInt32LE(at);
      const sealedBytes = bytes.readUInt32LE(at + 4);
      const plainBytes = bytes.readUInt32LE(at + 8);
      const method = bytes.readUInt16LE(at + 12);
      const dictionaryEnd = at + FRAME_HEAD_BYTES + bytes.readUInt16LE(at + 14) * CHUNK_ID_BYTES;
      const chunkStep = method === FrameMethod.delta ? DELTA_CHUNK_BYTES : CHUNK_BYTES;
      const chunksEnd = dictionaryEnd + bytes.readUInt32LE(at + 16) * chunkStep;
      if (!isFrameMethod(method)) throw new RangeError(`unknown frame method ${method}`);
      if (chunksEnd > bytes.length) throw new RangeError('list ends too early');
      const dictionary = bytes.subarray(at + FRAME_HEAD_BYTES, dictionaryEnd);
      const chunksAt = dictionaryEnd;
      frames.push({ offset, sealedBytes, plainBytes, method, dictionary, chunksAt, chunksEnd, chunkStep });
      at = chunksEnd;
    }
    if (at !== bytes.length) throw new RangeError('bytes left over');
    return frames;
  } catch (error) {
    throw new VaultError('damaged', 'A list of frames is damaged: it does not add up.', { cause: error });
  }
}

/** The chunk whose bytes begin at `at` in a list of frames. */
export function listedChunk(bytes: Buffer, at: number, method: FrameMethod): FrameChunk {
  const isDelta = method === FrameMethod.delta;
  return {
    id: bytes.subarray(at, at + CHUNK_ID_BYTES),
    bytes: bytes.readUInt32LE(at + CHUNK_ID_BYTES),
    dictionaryFrom: isDelta ? bytes.readUInt16LE(at + CHUNK_BYTES) : 0,
    dictionaryCount: isDelta ? bytes.readUInt16LE(at + CHUNK_BYTES + 2) : 0,
  };
}

/**
 * Reads what {@link encodeFrames} wrote.
 * @throws {VaultError} `damaged` when it does not add up.
 */
export function decodeFrames(bytes: Buffer): FrameEntry[] {
  return listFrames(bytes).map(({ chunksAt, chunksEnd, chunkStep, ...frame }) => {
    const chunks: FrameChunk[] = [];
    for (let at = chunksAt; at < chunksEnd; at += chunkStep)
      chunks.push(listedChunk(bytes, at, frame.method));
    return { ...frame, chunks };
  });
}

function isFrameMethod(value: number): value is FrameMethod {
  return value === FrameMethod.raw || value === FrameMethod.zstd || value === FrameMethod.delta;
}
