import { type BigIntStats, constants } from 'node:fs';

/** What the system says about a file, directory or link, as far as a backup keeps it. */
export interface FileStat {
  readonly type: 'file' | 'directory' | 'link';
  /** Bytes of content; 0 for a directory. */
  readonly size: number;
  /** Permission bits (0o7777). */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Nanoseconds since 1970; 0 where the file system keeps none. */
  readonly ctimeNs: bigint;
  /** 0 where the file system keeps none. */
  readonly inode: bigint;
  /** How many names the file has. */
  readonly links: number;
}

/** What the system's answer is about; undefined for sockets, pipes and devices. */
export function fileType(stats: BigIntStats): FileStat['type'] | undefined {
  // Compared as numbers: isFile() and its like convert a bigint each time they are asked.
  switch (Number(stats.mode) & constants.S_IFMT) {
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFDIR:
      return 'directory';
    case constants.S_IFLNK:
      return 'link';
    default:
      return undefined;
  }
}

/** Picks what a backup keeps from the system's answer about a file of this type. */
export function fileStat(stats: BigIntStats, type: FileStat['type']): FileStat {
  return {
    type,
    size: type === 'directory' ? 0 : Number(stats.size),
    mode: Number(stats.mode) & 0o7777,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    inode: stats.ino,
    links: Number(stats.nlink),
  };
}

/** Whether the system's answer is what it was: the same file, not written to and not changed since. */
export function isSameStat(stats: BigIntStats, before: FileStat): boolean {
  return (
    stats.mtimeNs === before.mtimeNs &&
    stats.ctimeNs === before.ctimeNs &&
    Number(stats.size) === before.size &&
    stats.ino === before.inode
  );
}
