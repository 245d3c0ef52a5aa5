import {
  chmodSync,
  closeSync,
  fsyncSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { systemCode } from '../errors.ts';
import { systemPath } from '../source/name.ts';
import { setExactTimes, type TimedItem } from './exact-times.ts';
import type { FileTime } from './file-time.ts';
import { type Attributes, fileWriter, type FileWriter, forNode, writeAll } from './file-writer.ts';
import { flushAll } from './flush-all.ts';

/**
 * Everything a restore does to a disk passes through here, one call a step, so that tests can stop it at every one.
 * Paths are absolute and spelled as in `source/name.ts`. Every method throws the system's own errors.
 */
export interface RestoreDisk extends FileWriter {
  makeDirectory(path: string, mode: number): void;
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
    ...fileWriter(umask),
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
