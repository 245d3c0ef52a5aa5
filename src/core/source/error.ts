import { CrmBackupError } from '../errors.ts';

export type SourceErrorCode = 'nothing-to-back-up';

/** The sources of a set cannot be backed up at all. */
export class SourceError extends CrmBackupError<SourceErrorCode> {}
