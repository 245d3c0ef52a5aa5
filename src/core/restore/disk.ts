import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { systemCode } from '../errors.ts';
import { systemPath } from '../source/name.ts';
import { type Owner, setExactTimes, type TimedItem } from './exact-times.ts';
import type { FileTime } from './file-time.ts';
import { flushAll } from './flush-all.ts';

/** What a file gets besides its content. */
export interface Attributes {
  /** Permission bits (0o7777). */
  readonly mode: number;
  readonly time: FileTime;
  /** Whom to give it to; undefined leaves it to the user who runs this. */
  readonly owner: Owner | undefined;
}

/**
 * Everything a restore does to a disk passes through here, one call a step, so that tests can stop it at every one.
 * Paths are absolute and spelled as in `source/name.ts`. Every method throws the system's own errors.
 */
export interface RestoreDisk {
  makeDirectory(path: string, mode: number): void;
  /** Writes a file that does not exist yet, whole. */
  createFile(path: string, content: Uint8Array, attributes: Attributes): void;
  /** Writes a part of a file, which is made when it does not exist. */
  writePart(path: string, position: number, content: Uint8Array): void;
  createLink(path: string, target: string, attributes: Attributes): void;
  /** Gives a file or a directory its mode, time and owner. */
  setAttributes(path: string, attributes: Attributes): void;
  setMode(path: string, mode: number): void;
  setTime(path: string, time: FileTime): void;
  /** Gives a file a second name. */
  link(from: string, to: string): void;
  rename(from: string, to: string): void;
  removeFile(path: string): void;
  /** Removes an empty directory. */
  removeDirectory(path: string): void;
  /** Waits until files and directories are durable, all of them in the folder `below`. */
  flushAll(paths: readonly string[], below: string): Promise<void>;
  /** Sets times to the nanosecond as far as that can be had (`exact-times.ts`). */
  setExactTimes(base: string, scratch: string, items: readonly TimedItem[]): Promise<void>;
  /** Replaces a file's content by text or appends to it; durable when it returns. */
  writeText(path: string, text: string, how: 'create' | 'append'): void;
}

// Windows has no such thing.
const NO_FOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
const WRITE = constants.O_WRONLY | constants.O_CREAT | NO_FOLLOW;
const PRIVATE_FILE = 0o600;
/** What a scanner or an open handle on Windows may hold for a moment. */
const HELD = new Set(['EBUSY', 'EACCES', 'EPERM']);
const HELD_PAUSES_MS = [10, 50, 200, 500];

/**
 * The disk itself.
 * @param umask what the system takes away from the mode of a new file, if known: then most files need no `chmod`
 */
export function nodeDisk(umask = 0o777): RestoreDisk {
  return {
    makeDirectory(path, mode) {
      mkdirSync(systemPath(path), { mode });
    },
    createFile(path, content, { mode, time, owner }) {
      const file = openSync(systemPath(path), CREATE, mode & 0o777);
      try {
        writeAll(file, content, 0);
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
    createLink(path, target, { time, owner }) {
      const link = systemPath(path);
      symlinkSync(systemPath(target), link);
      if (owner !== undefined) lchownSync(link, owner.uid, owner.gid);
      lutimesSync(link, forNode(time), forNode(time));
    },
    setAttributes(path, { mode, time, owner }) {
      const system = systemPath(path);
      if (owner !== undefined) lchownSync(system, owner.uid, owner.gid);
      chmodSync(system, mode);
      lutimesSync(system, forNode(time), forNode(time));
    },
    setMode: (path, mode) => chmodSync(systemPath(path), mode),
    setTime: (path, time) => lutimesSync(systemPath(path), forNode(time), forNode(time)),
    link: (from, to) => linkSync(systemPath(from), systemPath(to)),
    rename: (from, to) => whenNotHeld(() => renameSync(systemPath(from), systemPath(to))),
    removeFile: (path) => whenNotHeld(() => unlinkSync(systemPath(path))),
    removeDirectory: (path) => whenNotHeld(() => rmdirSync(systemPath(path))),
    flushAll,
    setExactTimes,
    writeText(path, text, how) {
      const file = openSync(systemPath(path), how === 'create' ? 'w' : 'a', PRIVATE_FILE);
      try {
        writeAll(file, Buffer.from(text), undefined);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Node takes negative numbers for “now”, negative text for what it says. */
function forNode(time: FileTime): number | string {
  return time < 0 ? String(time) : time;
}

function writeAll(file: number, content: Uint8Array, position: number | undefined): void {
  let done = 0;
  while (done < content.byteLength) {
    const at = position === undefined ? null : position + done;
    done += writeSync(file, content, done, content.byteLength - done, at);
  }
}

/** On Windows, waits a moment for whoever holds the file open; elsewhere an error is an error. */
function whenNotHeld(work: () => void): void {
  for (const pauseMs of process.platform === 'win32' ? HELD_PAUSES_MS : []) {
    try {
      work();
      return;
    } catch (error) {
      if (!HELD.has(systemCode(error) ?? '')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
  work();
}
