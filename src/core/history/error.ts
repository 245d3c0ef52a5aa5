import { CrmBackupError } from '../errors.ts';

/**
 * Why the history cannot be used: there is no git, it failed, or another process has the history to itself. And
 * `invalid-pattern`: what was searched for is no regular expression.
 */
export class HistoryError extends CrmBackupError<'no-git' | 'git-failed' | 'busy' | 'invalid-pattern'> {}

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
  return new HistoryError('git-failed', 'git could not work on the history of the backups.', {
    cause: error,
    hint: 'The history is kept aside and can be deleted at any time; “crm-backup doctor” tells about git.',
  });
}
