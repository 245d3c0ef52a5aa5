import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile } from '../../replace-file.ts';

/** What the command line is made of; its start comes last, so that it never finds another program than its own kind. */
const FILES = ['program.js', 'cli.js'] as const;

/** The command line in an extension's folder. */
export interface Original {
  /** Its start, absolute. */
  readonly script: string;
  /** The extension's version, as `1.2.3`. */
  readonly version: string;
}

/** The start of the command line as it is kept for the system's scheduler: an update takes the extension's own folder away. */
export function keptScript(home: string): string {
  return join(home, 'schedules', 'program', 'cli.js');
}

/** Keeps the command line. Returns its start. Throws what the file system throws. */
export function keepProgram({ script, version }: Original, home: string): string {
  const kept = keptScript(home);
  for (const file of FILES) {
    replaceFile(join(dirname(kept), file), readFileSync(join(dirname(script), file)));
  }
  // It also says what kind of modules these are, whatever stands in folders around it.
  replaceFile(versionFile(kept), JSON.stringify({ version, type: 'commonjs' }));
  return kept;
}

/** Whether an extension has another command line than the one kept, and none that is older. */
export function isNewer({ script, version }: Original, home: string): boolean {
  if (!existsSync(script)) return false;
  const kept = keptScript(home);
  const order = version.localeCompare(keptVersion(kept), 'en', { numeric: true });
  if (order !== 0) return order > 0;
  return FILES.some((file) => {
    const [old, fresh] = [kept, script].map((start) => readFileSync(join(dirname(start), file)));
    return !old!.equals(fresh!);
  });
}

/** Takes away what was kept. */
export function dropProgram(home: string): void {
  rmSync(dirname(keptScript(home)), { recursive: true, force: true });
}

/** The version of what is kept; lower than any where that is not whole. */
function keptVersion(kept: string): string {
  try {
    if (!FILES.every((file) => existsSync(join(dirname(kept), file)))) return '';
    const { version } = JSON.parse(readFileSync(versionFile(kept), 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : '';
  } catch {
    return '';
  }
}

function versionFile(kept: string): string {
  return join(dirname(kept), 'package.json');
}
