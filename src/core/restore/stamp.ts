import { createHash } from 'node:crypto';
import { systemCode } from '../errors.ts';
import { type LiveStat, listNames, lookAt } from './live-tree.ts';
import { comparePaths } from '../vault/order.ts';

/**
 * What tells one thing on a disk, in the state it was seen in, from what somebody may put there or make of it: type,
 * inode, and for a file size and time, for a directory a digest of what is in it. Needs no clock, and what it stands for
 * may be renamed or get a second name.
 */
export type Stamp = string;

/** When all that is staged in a root was made there, as its disk counts time. */
export interface StagedRoot {
  readonly op: 'staged';
  readonly root: number;
  /** Of a file there, to see whether this disk keeps its inodes when it is mounted again. */
  readonly inode: string;
  /** Nanoseconds since 1970. */
  readonly since: string;
  readonly until: string;
}

/** The stamp of what stood at a path when `live` was read. */
export function stampOf(path: string, live: LiveStat): Stamp {
  return stampWith(live, live.type === 'directory' ? digestOf(path) : '');
}

/** The same, with the digest of what is in it when it is a directory. */
export function stampWith({ type, inode, size, mtimeNs }: LiveStat, digest: string): Stamp {
  return `${type} ${inode} ${type === 'directory' ? digest : `${size} ${mtimeNs}`}`;
}

/** Digests what is in a directory: the names in their order, each with its own digest where it is a directory. */
export class DirectoryDigest {
  readonly #hash = createHash('sha256');

  add(name: string, { type, size, mtimeNs }: LiveStat, digest: string): void {
    this.#hash.update(`${name}\0${type} ${type === 'directory' ? digest : `${size} ${mtimeNs}`}\n`);
  }

  end(): string {
    return this.#hash.digest('base64url');
  }
}

/**
 * The stamp of something that is staged. Of a directory it is the inode alone: there may be very much in it, and
 * {@link isStaged} knows that by the time it was made.
 */
export function stampOfStaged({ type, inode, size, mtimeNs }: LiveStat): Stamp {
  return type === 'directory' ? `directory ${inode}` : `${type} ${inode} ${size} ${mtimeNs}`;
}

/** Whether what stands at a path is what a stamp was taken of. @param keepsInodes whether inodes say anything */
export function isStamped(path: string, live: LiveStat, stamp: Stamp, keepsInodes: boolean): boolean {
  const [type, inode] = stamp.split(' ');
  if (live.type !== type || (keepsInodes && String(live.inode) !== inode)) return false;
  return withoutInode(stampOf(path, live)) === withoutInode(stamp);
}

/** Whether what stands at a path was staged by the restore, and nothing was changed or added in it since. */
export function isStaged(
  path: string,
  live: LiveStat,
  stamp: Stamp,
  keepsInodes: boolean,
  made: StagedRoot | undefined,
): boolean {
  if (live.type !== 'directory' || !stamp.startsWith('directory ')) {
    return isStamped(path, live, stamp, keepsInodes);
  }
  if (made === undefined || (keepsInodes && stamp !== `directory ${live.inode}`)) return false;
  const [since, until] = [BigInt(made.since), BigInt(made.until)];
  return everyFile(path, ({ ctimeNs }) => ctimeNs >= since && ctimeNs <= until);
}

/** Whether a file is the one of a stamp and has one of these times, nearly. */
export function isStampedButFor(
  live: LiveStat,
  stamp: Stamp,
  keepsInodes: boolean,
  times: readonly (bigint | undefined)[],
): boolean {
  const [type, inode, size] = stamp.split(' ');
  if (live.type !== type || String(live.size) !== size) return false;
  if (keepsInodes && String(live.inode) !== inode) return false;
  return times.some((time) => time !== undefined && isNear(live.mtimeNs - time));
}

/** A time may just have been set as nearly as it can be. */
function isNear(apart: bigint): boolean {
  return apart < 1000n && apart > -1000n;
}

function withoutInode(stamp: Stamp): string {
  const [type, , ...rest] = stamp.split(' ');
  return [type, ...rest].join(' ');
}

function everyFile(directory: string, is: (file: LiveStat) => boolean): boolean {
  return namesToSee(directory).every((name) => {
    const path = `${directory}/${name}`;
    const live = lookAt(path);
    if (live === undefined) return true;
    return live.type === 'directory' ? everyFile(path, is) : is(live);
  });
}

/** What may not be listed was not worked in either. */
function namesToSee(directory: string): string[] {
  try {
    return listNames(directory);
  } catch (error) {
    if (systemCode(error) === 'EACCES') return [];
    throw error;
  }
}

function digestOf(directory: string): string {
  const digest = new DirectoryDigest();
  for (const name of listNames(directory).sort(comparePaths)) {
    const path = `${directory}/${name}`;
    const live = lookAt(path);
    if (live !== undefined) digest.add(name, live, live.type === 'directory' ? digestOf(path) : '');
  }
  return digest.end();
}
