import { CrmBackupError } from '../core/errors.ts';

export type EngineErrorCode =
  'stopped' | 'disposed' | 'too-large' | 'pinned' | 'no-database' | 'no-table' | 'no-object' | 'other-rows';

/**
 * `stopped`: the process could not be started, or ended before it answered. `other-rows`: what rows are called by are
 * numbers of other rows by now.
 */
export class EngineError extends CrmBackupError<EngineErrorCode> {}
