import { spawn } from 'node:child_process';
import { chmod, type FileHandle, lstat, open } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import { systemPath } from '../source/name.ts';
import { syncAndClose } from '../storage/durable.ts';

/** From so many on, one flush of the whole file system is faster than one of each. */
const MANY = 64;
const AT_ONCE = 16;

/**
 * Waits until files and directories are durable.
 * @param below the folder they are all in, on one file system
 */
export async function flushAll(paths: readonly string[], below: string): Promise<void> {
  if (paths.length > MANY && (await flushFileSystem(below))) return;
  let next = 0;
  const flushNext = async (): Promise<void> => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) await flush(path);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, paths.length) }, flushNext));
}

/** Has the system write out all of the file system a folder is on (GNU coreutils); false when it could not. */
async function flushFileSystem(folder: string): Promise<boolean> {
  const path = systemPath(folder);
  if (process.platform !== 'linux' || typeof path !== 'string') return false;
  return new Promise((resolve) => {
    const child = spawn('sync', ['-f', '--', path], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}

/** Flushes one file or directory; links have nothing to flush. */
async function flush(path: string): Promise<void> {
  let file;
  try {
    file = await openToFlush(path);
  } catch (error) {
    // Windows flushes no directories; it keeps their entries in order by itself.
    if (process.platform === 'win32' && systemCode(error) !== 'ENOENT') return;
    throw error;
  }
  await syncAndClose(file);
}

/** Opens also what its owner may not read. */
async function openToFlush(path: string): Promise<FileHandle> {
  const system = systemPath(path);
  if (process.platform === 'win32') return open(system, 'r+');
  try {
    return await open(system, 'r');
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
  }
  const mode = (await lstat(system)).mode & 0o7777;
  await chmod(system, mode | 0o400);
  let file;
  try {
    file = await open(system, 'r');
  } finally {
    await chmod(system, mode);
  }
  return file;
}
