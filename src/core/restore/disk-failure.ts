import { systemCode } from '../errors.ts';
import { RestoreError } from './error.ts';

const SHOWN_END = 100;

/**
 * What an error of the system means for a restore that is still being prepared. All other errors come back as
 * they are.
 *
 * @param what what could not be done, as the end of “could not …”
 */
export function diskFailure(what: string, error: unknown): unknown {
  return isSystemError(error) ? diskError(what, systemCode(error) ?? '', error) : error;
}

/** A path for a message: of one that is very long, both ends. */
export function shownPath(path: string): string {
  const characters = Array.from(path);
  if (characters.length <= 2 * SHOWN_END) return path;
  return `${characters.slice(0, SHOWN_END).join('')}…${characters.slice(-SHOWN_END).join('')}`;
}

/** Whether an error is the system's and not one of ours. */
export function isSystemError(error: unknown): boolean {
  return systemCode(error) !== undefined;
}

/** The same where only the system's code is known. */
export function diskError(what: string, code: string, cause?: unknown): RestoreError {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new RestoreError('no-space', `Could not ${what}: the disk is full.`, {
        cause,
        hint: 'Free some space there and try again; nothing was changed.',
      });
    case 'EACCES':
    case 'EPERM':
      return new RestoreError('permission', `Could not ${what}: permission denied.`, {
        cause,
        hint: 'Run it as the user the files belong to; nothing was changed.',
      });
    case 'EROFS':
      return new RestoreError('permission', `Could not ${what}: the disk is mounted read-only.`, {
        cause,
        hint: 'Restore with --to another folder, or mount the disk for writing; nothing was changed.',
      });
    case 'ENAMETOOLONG':
    case 'EILSEQ':
      return new RestoreError('unsupported-name', `Could not ${what}: the system cannot keep that name.`, {
        cause,
        hint: 'Restore with --to a folder with a shorter path or on another disk; nothing was changed.',
      });
    default:
      return new RestoreError('write-failed', `Could not ${what}: the system said ${code}.`, {
        cause,
        hint: 'Nothing was changed.',
      });
  }
}
