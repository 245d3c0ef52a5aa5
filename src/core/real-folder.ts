import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { upperCaseDrive } from './path/drive.ts';
import { systemPath } from './source/name.ts';

/** A folder without links, as far as it exists. */
export function realFolder(directory: string): string {
  if (existsSync(systemPath(directory))) return realpathSync.native(directory);
  const parent = dirname(directory);
  return parent === directory ? directory : join(realFolder(parent), basename(directory));
}

/** The one spelling of an absolute folder under which things are remembered of it, however it was named. */
export function oneSpelling(directory: string): string {
  return upperCaseDrive(realFolder(directory), process.platform);
}
