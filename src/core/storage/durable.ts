import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemCode } from '../errors.ts';

/** Linux and macOS take no more in one call. */
const MOST_PARTS_AT_ONCE = 1024;
/** What only the user of a vault may read. */
export const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

/** Writes parts one behind the other; the system takes a thousand at once, and may take less than it was given. */
export async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let next = 0;
  let done = 0;
  while (next < parts.length) {
    const batch = parts.slice(next, next + MOST_PARTS_AT_ONCE);
    batch[0] = batch[0]!.subarray(done);
    done += (await file.writev(batch)).bytesWritten;
    for (; next < parts.length && done >= parts[next]!.byteLength; next++) done -= parts[next]!.byteLength;
  }
}

/** Places a finished file under a name nobody has taken; a hard link fails when the name exists, a rename does not. */
export async function placeUnlessTaken(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
  }
  // Without hard links (FAT, some network disks): take the name first, then put the content over it.
  try {
    const taken = await open(target, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, PRIVATE_FILE);
    await taken.close();
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  await rename(temporary, target);
  return true;
}

/** Makes a directory and the missing ones above it, each of them durable. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY });
  if (first === undefined) return;
  const highest = resolve(first).length;
  for (let made = resolve(path); made.length >= highest; made = dirname(made))
    await syncDirectory(dirname(made));
}

/** Flushes a directory's own entries; systems that cannot (Windows) keep them in order by themselves. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform !== 'win32') await syncAndClose(await open(path, 'r'));
}

/** Flushes an open file or directory, as far as its file system can, and closes it. */
export async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    if (systemCode(error) !== 'EINVAL' && systemCode(error) !== 'ENOTSUP') throw error;
  } finally {
    await file.close();
  }
}
