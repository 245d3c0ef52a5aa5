import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The sum of the sizes of all files below `directory`, in bytes. */
export function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + lstatSync(join(entry.parentPath, entry.name)).size, 0);
}
