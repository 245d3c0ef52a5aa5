import { closeSync, constants, fchmodSync, fchownSync, futimesSync, openSync, writeSync } from 'node:fs';
import { systemPath } from '../source/name.ts';
import type { FileTime } from './file-time.ts';

/** To whom a file belongs. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What a file gets besides its content. */
export interface Attributes {
  /** Permission bits (0o7777). */
  readonly mode: number;
  readonly time: FileTime;
  /** Whom to give it to; undefined leaves it to the user who runs this. */
  readonly owner: Owner | undefined;
}

/**
 * The writing of content, which runs in worker threads. Paths are absolute and spelled as in `source/name.ts`; both
 * methods throw the system's own errors.
 */
export interface FileWriter {
  /** Writes a file that does not exist yet, whole. */
  createFile(path: string, content: Uint8Array, attributes: Attributes): void;
  /** Writes a part of a file, which is made when it does not exist. */
  writePart(path: string, position: number, content: Uint8Array): void;
}

// Windows has no such thing.
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
const WRITE = constants.O_WRONLY | constants.O_CREAT | NO_FOLLOW;
const PRIVATE_FILE = 0o600;

/**
 * Writes to the disk itself, synchronously: for thousands of small files promises would cost more than the writing.
 * @param umask what the system takes away from the mode of a new file, if known: then most files need no `chmod`
 */
export function fileWriter(umask = 0o777): FileWriter {
  return {
    createFile(path, content, { mode, time, owner }) {
      const file = openSync(systemPath(path), CREATE, mode & 0o777);
      try {
        writeAll(file, content, undefined);
        if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
        // A change of owner and writing take away the set-user-id bit, so the mode comes after both.
        if ((mode & (umask | ~0o777)) !== 0 || owner !== undefined) fchmodSync(file, mode);
        const seconds = forNode(time);
        futimesSync(file, seconds, seconds);
      } finally {
        closeSync(file);
      }
    },
    writePart(path, position, content) {
      const file = openSync(systemPath(path), WRITE, PRIVATE_FILE);
      try {
        writeAll(file, content, position);
      } finally {
        closeSync(file);
      }
    },
  };
}

/** A time as `node:fs` wants it: it takes negative numbers for “now”, negative text for what it says. */
export function forNode(time: FileTime): number | string {
  return time < 0 ? String(time) : time;
}

/** Writes all of a content, from a position on or where the file stands. */
export function writeAll(file: number, content: Uint8Array, position: number | undefined): void {
  let done = 0;
  while (done < content.byteLength) {
    const at = position === undefined ? null : position + done;
    done += writeSync(file, content, done, content.byteLength - done, at);
  }
}
