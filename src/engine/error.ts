import { CrmBackupError } from '../core/errors.ts';

export type EngineErrorCode = 'not-started' | 'stopped' | 'disposed';

/** The engine's process could not be started, or ended before it answered. */
export class EngineError extends CrmBackupError<EngineErrorCode> {}
