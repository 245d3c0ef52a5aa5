import { dirname } from 'node:path';
import type { RestoreDisk } from './disk.ts';
import { lookAt } from './live-tree.ts';
import { parentPath } from './selection.ts';
import { isStagedBy, keepsNothing, keptPath } from './staging.ts';
import { keptFolder } from './staging-name.ts';

/**
 * Moves what a restore keeps under a number out of its staging directory, to its own path in a folder beside: it is not
 * put back, and may be the only copy. Does nothing when it was moved already.
 * @returns the directories that have to be made durable for it
 */
export function putAside(
  disk: RestoreDisk,
  directory: string,
  id: string,
  { number, path }: { readonly number: number; readonly path: string },
): readonly string[] {
  const kept = keptPath(directory, number);
  if (lookAt(kept) === undefined) return [];
  const folder = keptFolder(directory, id);
  const folders: string[] = [];
  for (let way = parentPath(path); way !== undefined && way !== ''; way = parentPath(way)) {
    folders.unshift(`${folder}/${way}`);
  }
  folders.unshift(folder);
  for (const one of folders) if (lookAt(one) === undefined) disk.makeDirectory(one, 0o700);
  disk.rename(kept, `${folder}/${path}`);
  return folders;
}

/** Moves all that a restore still keeps, under its numbers, to such a folder: of what it was is not known. Again it does nothing. */
export async function putRestAside(disk: RestoreDisk, directory: string, id: string): Promise<void> {
  if (!isStagedBy(directory, id) || keepsNothing(directory)) return;
  const folder = keptFolder(directory, id);
  if (lookAt(folder) === undefined) disk.makeDirectory(folder, 0o700);
  let place = `${folder}/old`;
  while (lookAt(place) !== undefined) place += '-more';
  disk.rename(dirname(keptPath(directory, 0)), place);
  await disk.flushAll([folder, directory], directory);
}
