import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseError } from '../database/error.ts';
import { systemCode } from '../errors.ts';

/** Where something stands in a spool. */
export interface SpoolPlace {
  readonly at: number;
  readonly bytes: number;
}

/** Bytes that are kept for a while in a file nobody else can open. */
export interface Spool extends Disposable {
  /** @throws {DatabaseError} `no-space`, `write-failed`. */
  add(bytes: Uint8Array): SpoolPlace;
  read(place: SpoolPlace): Buffer;
}

/**
 * Opens an empty spool. Its file has no name any more where the system allows that, so nothing stays of it, however this
 * process ends. Disposing closes it.
 * @throws {DatabaseError} `no-space`, `write-failed`.
 */
export function openSpool(): Spool {
  const file = join(tmpdir(), `crm-backup-rows-${randomBytes(8).toString('hex')}`);
  const descriptor = guarded(() => openSync(file, 'wx+', 0o600));
  const isNameless = process.platform !== 'win32';
  if (isNameless) unlinkSync(file);
  let end = 0;
  return {
    add: (bytes) =>
      guarded(() => {
        const at = end;
        while (end < at + bytes.length) end += writeSync(descriptor, bytes, end - at, undefined, end);
        return { at, bytes: bytes.length };
      }),
    read: ({ at, bytes }) => {
      const content = Buffer.allocUnsafe(bytes);
      let filled = 0;
      while (filled < bytes) {
        const read = readSync(descriptor, content, filled, bytes - filled, at + filled);
        if (read === 0) throw new RangeError('a spool ends too early');
        filled += read;
      }
      return content;
    },
    [Symbol.dispose]: () => {
      closeSync(descriptor);
      if (!isNameless) rmSync(file, { force: true });
    },
  };
}

function guarded<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new DatabaseError(
      isFull ? 'no-space' : 'write-failed',
      `What is live could not be kept in ${tmpdir()} to be compared: ${isFull ? 'the disk is full' : code}.`,
      { hint: 'Free some space there, or let TMPDIR name another folder.', cause: error },
    );
  }
}
