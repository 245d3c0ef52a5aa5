import { constants, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import { systemPath } from './name.ts';

// Windows has none of these, macOS lacks O_NOATIME.
const flags: Readonly<Record<string, number | undefined>> = constants;

// Never through a link that took the file's place, never waiting for the other end of a pipe that did.
const READ = constants.O_RDONLY | (flags['O_NOFOLLOW'] ?? 0) | (flags['O_NONBLOCK'] ?? 0);

// The time of last access is left alone where the system allows it, which is for the owner's own files. After a
// refusal it is not asked again: a failing open costs more than a good one, and files of others come in thousands.
let preferred = READ | (flags['O_NOATIME'] ?? 0);

/** Opens a file for reading, synchronously. */
export function openForReadingSync(file: string): number {
  const path = systemPath(file);
  const asked = preferred;
  try {
    return openSync(path, asked);
  } catch (error) {
    giveIn(error, asked);
    return openSync(path, READ);
  }
}

/** Opens a file for reading. */
export async function openForReading(file: string): Promise<FileHandle> {
  const path = systemPath(file);
  const asked = preferred;
  try {
    return await open(path, asked);
  } catch (error) {
    giveIn(error, asked);
    return open(path, READ);
  }
}

/** Returns when only the wish to keep the access time was refused; throws every other error again. */
function giveIn(error: unknown, asked: number): void {
  if (asked === READ || systemCode(error) !== 'EPERM') throw error;
  preferred = READ;
}
