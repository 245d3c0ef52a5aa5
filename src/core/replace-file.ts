import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file that only its user may read, all or nothing: whoever reads it, also after a power cut, finds what was
 * there before or all of the new. Folders around it are made. Where it fails nothing is left of it. Throws what the file
 * system throws.
 * @param flush False for what shows itself to be whole and can be made anew: a power cut may then leave part of it.
 */
export function replaceFile(file: string, content: string | Uint8Array, flush = true): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  try {
    writeFileSync(fresh, content, { mode: 0o600, flush });
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}
