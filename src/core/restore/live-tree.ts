import {
  type BigIntStats,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { systemCode } from '../errors.ts';
import { decodeName, systemPath } from '../source/name.ts';
import { openForReadingSync } from '../source/open.ts';
import { type FileStat, fileStat, fileType } from '../source/stat.ts';
import { CHUNK_ID_BYTES, CHUNK_ID_HEADROOM_BYTES, type ChunkIds } from '../vault/chunk-id.ts';
import type { ChunkIndex } from '../vault/index.ts';
import { diskFailure } from './disk-failure.ts';

/** What stands at a path now. */
export interface LiveStat extends Omit<FileStat, 'type'> {
  /** `special` is a socket, a pipe or a device. */
  readonly type: FileStat['type'] | 'special';
  readonly device: bigint;
  readonly uid: number;
  readonly gid: number;
}

/** What a restore asks of the folder it goes to. Paths are relative to it with `/` between names, `''` is itself. */
export interface LiveTree {
  /**
   * What stands there, links not followed; undefined when there is nothing.
   * @throws {RestoreError} `permission` when the folder around it may not be entered.
   */
  look(path: string): LiveStat | undefined;
  /** The names in a directory; undefined when it may not be listed. */
  list(path: string): string[] | undefined;
  /** Where a link points. */
  target(path: string): string;
  /** Whether the file there holds exactly these chunks. False also when it cannot be read. */
  holds(path: string, bytes: number, chunks: Buffer): boolean;
}

const LSTAT = { bigint: true, throwIfNoEntry: false } as const;
const NO_ENTRY = new Set(['ENOENT', 'ENOTDIR']);

/** What stands at an absolute path, links not followed; undefined when there is nothing. */
export function lookAt(file: string): LiveStat | undefined {
  let stats: BigIntStats | undefined;
  try {
    stats = lstatSync(systemPath(file), LSTAT);
  } catch (error) {
    if (NO_ENTRY.has(systemCode(error) ?? '')) return undefined;
    throw error;
  }
  if (stats === undefined) return undefined;
  const type = fileType(stats);
  return {
    ...fileStat(stats, type ?? 'file'),
    type: type ?? 'special',
    device: stats.dev,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
  };
}

/** Whether the stat of a path is still the one it was. Names do not count: a second one may have been given to it. */
export function isSameLive(a: LiveStat | undefined, b: LiveStat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.type !== b.type || a.inode !== b.inode || a.device !== b.device) return false;
  return a.type === 'directory' || (a.size === b.size && a.mtimeNs === b.mtimeNs);
}

/** The names in a directory, spelled as in `source/name.ts`. */
export function listNames(directory: string): string[] {
  const path = systemPath(directory);
  const names = readdirSync(path);
  if (!names.some((name) => name.includes('\ufffd'))) return names;
  return readdirSync(path, { encoding: 'buffer' }).map(decodeName);
}

/** Where a link points, spelled as in `source/name.ts`. */
function linkTarget(link: string): string {
  return decodeName(readlinkSync(systemPath(link), { encoding: 'buffer' }));
}

/** A folder on the disk. It need not exist. */
export function liveTree(directory: string, chunkIds: ChunkIds, index: ChunkIndex): LiveTree {
  const exists = existsSync(systemPath(directory));
  const at = (path: string): string => (path === '' ? directory : `${directory}/${path}`);
  return {
    look(path) {
      try {
        return exists ? lookAt(at(path)) : undefined;
      } catch (error) {
        throw diskFailure(`look at ${at(path)}`, error);
      }
    },
    list(path) {
      try {
        return listNames(at(path));
      } catch (error) {
        if (systemCode(error) === 'EACCES' || systemCode(error) === 'EPERM') return undefined;
        throw error;
      }
    },
    target: (path) => linkTarget(at(path)),
    holds(path, bytes, chunks) {
      try {
        return holds(at(path), bytes, chunks, chunkIds, index);
      } catch (error) {
        if (systemCode(error) === undefined) throw error;
        return false;
      }
    },
  };
}

let block: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Reads a file chunk by chunk, as its chunks are long, up to the first that differs. */
function holds(file: string, bytes: number, chunks: Buffer, chunkIds: ChunkIds, index: ChunkIndex): boolean {
  const descriptor = openForReadingSync(file);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size !== bytes) return false;
    let position = 0;
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
      const number = index.find(chunks, at);
      const length = number < 0 ? bytes : index.bytesOf(number);
      // A chunk the vault has lost can still be compared when it is the whole file.
      if (number < 0 && chunks.length > CHUNK_ID_BYTES) return false;
      const content = read(descriptor, position, length);
      if (content !== length) return false;
      const id = chunkIds.ofPart(block, CHUNK_ID_HEADROOM_BYTES, length);
      if (id.compare(chunks, at, at + CHUNK_ID_BYTES) !== 0) return false;
      position += length;
    }
    return position === bytes;
  } finally {
    closeSync(descriptor);
  }
}

function read(descriptor: number, position: number, length: number): number {
  if (block.length < length + CHUNK_ID_HEADROOM_BYTES) {
    block = Buffer.allocUnsafeSlow(length + CHUNK_ID_HEADROOM_BYTES);
  }
  let done = 0;
  while (done < length) {
    const bytes = readSync(descriptor, block, CHUNK_ID_HEADROOM_BYTES + done, length - done, position + done);
    if (bytes === 0) break;
    done += bytes;
  }
  return done;
}
