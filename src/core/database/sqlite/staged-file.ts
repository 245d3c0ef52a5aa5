import { chmodSync, chownSync, closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../errors.ts';
import { type Task, throwIfCancelled } from '../../task.ts';

/**
 * Writes a file that does not exist yet from pieces and makes it durable. As root it is given to whom the folder
 * `ownedLike` belongs. Throws the system’s own errors, and {CancelledError}; what is written by then stays.
 */
export async function writeNewFile(
  file: string,
  pieces: AsyncIterable<Buffer>,
  mode: number,
  ownedLike: string,
  task: Task,
): Promise<void> {
  await using handle = await open(file, 'wx', 0o600);
  for await (const piece of pieces) {
    throwIfCancelled(task);
    for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten;
  }
  if (process.geteuid?.() === 0) {
    const { uid, gid } = statSync(ownedLike);
    chownSync(file, uid, gid);
  }
  chmodSync(file, mode);
  await handle.sync();
}

/** Makes durable what was renamed or made in the folder of a file. */
export function flushFolderOf(file: string): void {
  // Windows opens no folders, and keeps its names without being asked.
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } catch (error) {
    // Some file systems of networks cannot.
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(folder);
  }
}
