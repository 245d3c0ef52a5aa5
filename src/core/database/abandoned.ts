import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';

/** What is younger is left alone: its process may be one that cannot be seen from here. */
const AGE_MS = 60 * 60 * 1000;

/**
 * Removes folders that processes which were killed have left: `<prefix><process id>-…`.
 * @param parent the folder they are in
 */
export function removeAbandoned(parent: string, prefix: string): void {
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch {
    return;
  }
  for (const name of names) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!(pid > 0) || isAlive(pid)) continue;
    try {
      const folder = join(parent, name);
      if (Date.now() - statSync(folder).mtimeMs > AGE_MS) rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      // It may be another user’s.
      if (systemCode(error) === undefined) throw error;
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}
