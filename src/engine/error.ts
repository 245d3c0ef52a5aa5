import { CrmBackupError } from '../core/errors.ts';

export type EngineErrorCode = 'stopped' | 'disposed' | 'too-large' | 'pinned' | 'no-database' | 'no-table';

/** `stopped`: the process could not be started, or ended before it answered. */
export class EngineError extends CrmBackupError<EngineErrorCode> {}
