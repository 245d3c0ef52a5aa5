import { CrmBackupError } from '../core/errors.ts';

/**
 * `untrusted`: not in Restricted Mode. `no-folder`, `no-set`, `no-backup`, `no-file`: there is nothing to work on.
 * `not-backed-up`: the file belongs to no set. `bad-place`: something must not be put there. `too-many`:
 * more was chosen than is done at once.
 */
export type EditorErrorCode =
  'untrusted' | 'no-folder' | 'no-set' | 'no-backup' | 'no-file' | 'not-backed-up' | 'bad-place' | 'too-many';

/** A command cannot do its work in this window as it stands. */
export class EditorError extends CrmBackupError<EditorErrorCode> {}

/** The code of an error the product knows. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof CrmBackupError ? (error as CrmBackupError).code : undefined;
}
