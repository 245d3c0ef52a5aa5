import { VaultError } from './error.ts';
import type { Entry, EntryType } from './entry.ts';
import { decodeName, encodeName } from '../source/name.ts';

/*
 * One entry's bytes, little-endian (docs/vault-format.md):
 *   0 u32 bytes of the whole entry     4 u8 type   5 u8 reserved   6 u16 mode
 *   8 u64 size   16 i64 mtime ns   24 i64 ctime ns   32 u64 inode
 *  40 u16 path bytes   42 u16 target bytes   44 u32 extra bytes   48 u32 chunks
 *  52 path, target, extra (JSON), chunk ids
 */
const HEAD_BYTES = 52;
const CHUNK_ID_BYTES = 32;
const TYPES: readonly EntryType[] = ['file', 'directory', 'link', 'table', 'object'];

/** The byte form of an entry. */
export function encodeEntry(entry: Entry): Buffer {
  const path = encodeName(entry.path);
  const target = entry.target === undefined ? EMPTY : encodeName(entry.target);
  const extra = entry.extra === undefined ? EMPTY : Buffer.from(JSON.stringify(entry.extra));
  const total = HEAD_BYTES + path.length + target.length + extra.length + entry.chunks.length;
  const bytes = Buffer.allocUnsafe(total);
  // Buffer's own methods for 64 bits compute with bigints byte by byte.
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  bytes.writeUInt32LE(total, 0);
  bytes.writeUInt8(TYPES.indexOf(entry.type), 4);
  bytes.writeUInt8(0, 5);
  bytes.writeUInt16LE(entry.mode & 0o7777, 6);
  view.setBigUint64(8, BigInt(entry.size), true);
  view.setBigInt64(16, entry.mtimeNs, true);
  view.setBigInt64(24, entry.ctimeNs, true);
  view.setBigUint64(32, BigInt.asUintN(64, entry.inode), true);
  bytes.writeUInt16LE(path.length, 40);
  bytes.writeUInt16LE(target.length, 42);
  bytes.writeUInt32LE(extra.length, 44);
  bytes.writeUInt32LE(entry.chunks.length / CHUNK_ID_BYTES, 48);
  let at = HEAD_BYTES;
  at += path.copy(bytes, at);
  at += target.copy(bytes, at);
  at += extra.copy(bytes, at);
  entry.chunks.copy(bytes, at);
  return bytes;
}

/**
 * One entry in a manifest's bytes, its fields read only when asked for: an unchanged file is recognised and copied
 * without ever becoming an object.
 */
export class EntryView {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #total: number;
  #heading: DataView | undefined;
  #path: string | undefined;

  /** @throws {VaultError} `damaged` when no whole entry stands at `start`. */
  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#total = start + HEAD_BYTES <= bytes.length ? bytes.readUInt32LE(start) : 0;
    const pathEnd = start + HEAD_BYTES + (this.#total === 0 ? 0 : bytes.readUInt16LE(start + 40));
    if (this.#total < HEAD_BYTES || start + this.#total > bytes.length || pathEnd > start + this.#total) {
      throw new VaultError('damaged', 'A manifest is damaged: an entry does not add up.');
    }
  }

  get path(): string {
    if (this.#path === undefined) {
      const from = this.#start + HEAD_BYTES;
      this.#path = decodeName(this.#bytes.subarray(from, from + this.#bytes.readUInt16LE(this.#start + 40)));
    }
    return this.#path;
  }

  get #view(): DataView {
    return (this.#heading ??= new DataView(
      this.#bytes.buffer,
      this.#bytes.byteOffset + this.#start,
      HEAD_BYTES,
    ));
  }

  /** Where the entry begins. */
  get start(): number {
    return this.#start;
  }
  /** Where the next entry begins. */
  get end(): number {
    return this.#start + this.#total;
  }
  /** The entry's bytes as they stand. */
  get encoded(): Buffer {
    return this.#bytes.subarray(this.#start, this.#start + this.#total);
  }
  get type(): EntryType {
    const type = TYPES[this.#bytes[this.#start + 4]!];
    if (type === undefined) throw new VaultError('damaged', 'A manifest is damaged: unknown type of entry.');
    return type;
  }
  get mode(): number {
    return this.#bytes.readUInt16LE(this.#start + 6);
  }
  get size(): number {
    return this.#bytes.readUInt32LE(this.#start + 12) * 2 ** 32 + this.#bytes.readUInt32LE(this.#start + 8);
  }
  get mtimeNs(): bigint {
    return this.#view.getBigInt64(16, true);
  }
  get ctimeNs(): bigint {
    return this.#view.getBigInt64(24, true);
  }
  get inode(): bigint {
    return this.#view.getBigUint64(32, true);
  }
  get chunks(): Buffer {
    const count = this.#bytes.readUInt32LE(this.#start + 48);
    const end = this.#start + this.#total;
    return this.#bytes.subarray(end - count * CHUNK_ID_BYTES, end);
  }
  get target(): string | undefined {
    const length = this.#bytes.readUInt16LE(this.#start + 42);
    const at = this.#start + HEAD_BYTES + this.#bytes.readUInt16LE(this.#start + 40);
    return length === 0 ? undefined : decodeName(this.#bytes.subarray(at, at + length));
  }
  get extra(): Entry['extra'] {
    const length = this.#bytes.readUInt32LE(this.#start + 44);
    if (length === 0) return undefined;
    const at =
      this.#start +
      HEAD_BYTES +
      this.#bytes.readUInt16LE(this.#start + 40) +
      this.#bytes.readUInt16LE(this.#start + 42);
    return JSON.parse(this.#bytes.toString('utf8', at, at + length)) as Readonly<Record<string, unknown>>;
  }

  /** The entry as a plain object. */
  toEntry(): Entry {
    return {
      path: this.path,
      type: this.type,
      size: this.size,
      mode: this.mode,
      mtimeNs: this.mtimeNs,
      ctimeNs: this.ctimeNs,
      inode: this.inode,
      chunks: this.chunks,
      target: this.target,
      extra: this.extra,
    };
  }
}

/**
 * Whether two entries are the same but for their chunks: name, kind, size, mode, times, inode, target.
 * @param at where each begins in its bytes
 */
export function isSameButChunks(a: Buffer, atA: number, b: Buffer, atB: number): boolean {
  const endA = atA + HEAD_BYTES - 4;
  const endB = atB + HEAD_BYTES - 4;
  if (a.compare(b, atB + 4, endB, atA + 4, endA) !== 0) return false;
  // The head says how long these are, so they are alike.
  const names = a.readUInt16LE(atA + 40) + a.readUInt16LE(atA + 42) + a.readUInt32LE(atA + 44);
  return a.compare(b, endB + 4, endB + 4 + names, endA + 4, endA + 4 + names) === 0;
}

/** A time as it stands in an entry. */
interface SplitTime {
  readonly high: number;
  readonly low: number;
}

/** A time in nanoseconds since 1970, to be compared without making a bigint of every other. */
export function splitTime(ns: bigint): SplitTime {
  return { high: Number(ns >> 32n), low: Number(ns & 0xffffffffn) };
}

/** Whether an entry was neither written to nor changed at or after a time. */
export function isAtRest(bytes: Buffer, at: number, since: SplitTime): boolean {
  return isBefore(bytes, at + 16, since) && isBefore(bytes, at + 24, since);
}

function isBefore(bytes: Buffer, at: number, { high, low }: SplitTime): boolean {
  const its = bytes.readInt32LE(at + 4);
  return its < high || (its === high && bytes.readUInt32LE(at) < low);
}

const EMPTY = Buffer.alloc(0);
