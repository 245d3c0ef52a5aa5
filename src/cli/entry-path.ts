import { realpathSync } from 'node:fs';
import path from 'node:path';
import { parsePrintable, printable } from '../core/printable.ts';
import { UsageError } from './usage.ts';

/** A folder whose files are in a backup under `files/<name>`. */
export interface KnownRoot {
  readonly name: string;
  readonly directory: string;
}

/**
 * The path in a backup that a user means: `files/<root>/…` and `databases/…` as they stand, else a file on this machine
 * (relative to `cwd`) that lies in one of the roots. What {@link printable} put between quotes is taken out of them.
 * @throws {UsageError} when it lies in no root.
 */
export function entryPath(input: string, roots: readonly KnownRoot[], cwd: string): string {
  const given = parsePrintable(input);
  const plain = given.replace(/\/+$/, '');
  if (/^(?:files|databases)(?:\/|$)/.test(plain)) return plain.replace(/\/{2,}/g, '/');
  const file = path.resolve(cwd, given);
  let best: string | undefined;
  for (const { name, directory } of roots) {
    for (const folder of [directory, realPathOf(directory)]) {
      const relative = path.relative(folder, file);
      if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) continue;
      const below = relative === '' ? '' : `/${relative.replaceAll(path.sep, '/')}`;
      const found = `files/${name}${below}`;
      // Of a root within a root the inner one: its path below is shorter.
      if (best === undefined || below.length < best.length - best.indexOf('/', 6)) best = found;
    }
  }
  if (best !== undefined) return best;
  throw new UsageError(
    `${printable(given)} is in none of the backed up folders.`,
    'Name a path in the backup, as “files/workspace/…”; “crm-backup ls BACKUP” lists them.',
  );
}

function realPathOf(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}
