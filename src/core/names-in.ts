import { readdirSync } from 'node:fs';
import { systemCode } from './errors.ts';

/** The names in a folder; none when it is not there. Throws what else the file system throws. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
