import { closeSync, openSync, readSync } from 'node:fs';
import type { ByteRange } from './storage.ts';

/** What takes longer, and this for each MiB, keeps everything else waiting: a disk that seeks, a network. */
const QUICK_MS = 4;
const QUICK_MS_A_MIB = 2;
const MIB = 1024 * 1024;
/** After a read that was slow so many are left to other threads, before one is tried again. */
const LEFT_TO_OTHERS = 64;

/**
 * Reads parts of files here and now, as long as that is quick: where the system has them in memory, to ask another thread
 * for one takes longer than to read it.
 */
export class QuickReads {
  #left = 0;

  /** The bytes of a part; undefined where the last took long, or there are not so many: then it is to be read otherwise. */
  read(file: string, { offset, length }: ByteRange): Buffer | undefined {
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    const began = performance.now();
    try {
      return readPart(file, offset, length);
    } catch {
      return undefined;
    } finally {
      const tookMs = performance.now() - began;
      if (tookMs > QUICK_MS + (length / MIB) * QUICK_MS_A_MIB) this.#left = LEFT_TO_OTHERS;
    }
  }
}

function readPart(file: string, offset: number, length: number): Buffer | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.allocUnsafeSlow(length);
    return readSync(descriptor, bytes, 0, length, offset) === length ? bytes : undefined;
  } finally {
    closeSync(descriptor);
  }
}
