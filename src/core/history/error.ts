import { CrmBackupError, systemCode } from '../errors.ts';
import { GIT_ENDED } from '../git.ts';
import { StorageError } from '../storage/storage.ts';

/**
 * Why the history cannot be used: there is no git, it failed, it says that the repository is `broken`, another process has
 * the history to itself, or the place for it is `unusable`. And `invalid-pattern`: what was searched for is no regular
 * expression.
 */
export class HistoryError extends CrmBackupError<
  'no-git' | 'git-failed' | 'broken' | 'busy' | 'unusable' | 'invalid-pattern'
> {}

/** What the system did not give git is no fault of the repository. */
const OF_THE_SYSTEM =
  /out of memory|cannot allocate|no space left|quota exceeded|permission denied|read-only file system|too many open files|input\/output error|temporarily unavailable|unable to create thread/i;

/** What git, or starting it, failed with, as one sentence; its own words are kept as the cause. */
export function historyFailure(error: unknown): HistoryError {
  const words = error instanceof Error ? error.message : String(error);
  if (/\bspawn\b.*\bENOENT\b/.test(words)) {
    return new HistoryError('no-git', 'git was not found.', {
      cause: error,
      hint: 'Install git: renamed files, the history of a file and searching texts in backups need it.',
    });
  }
  if (words.includes('invalid regex')) {
    return new HistoryError('invalid-pattern', 'This is not a regular expression.', {
      cause: error,
      hint: 'Write it as “grep -E” takes it; --text searches for a text as it is.',
    });
  }
  if (words.includes(GIT_ENDED)) {
    return new HistoryError(
      'git-failed',
      'git was ended before it had an answer from the history of the backups.',
      {
        cause: error,
        hint: 'The machine may be short of memory; nothing is lost, try again.',
      },
    );
  }
  const isBroken = /^(?:fatal|error): /m.test(words) && !OF_THE_SYSTEM.test(words);
  return new HistoryError(
    isBroken ? 'broken' : 'git-failed',
    'git could not work on the history of the backups.',
    {
      cause: error,
      hint: 'The history is kept aside and can be deleted at any time; “crm-backup doctor” tells about git.',
    },
  );
}

/**
 * What the system failed with where the history is kept; anything else stays what it is.
 * @param directory absolute
 */
export function placeFailure(directory: string, error: unknown): unknown {
  const code = error instanceof StorageError ? error.code : systemCode(error);
  if (code === undefined || code.startsWith('ERR_')) return error;
  return new HistoryError(
    'unusable',
    `The history of the backups cannot be kept in ${directory} (${code}).`,
    {
      cause: error,
      hint: 'The backups are safe. See that you may write to this folder and that its disk has space, or set CRM_BACKUP_CACHE to another one.',
    },
  );
}
