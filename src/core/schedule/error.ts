import { CrmBackupError } from '../errors.ts';

/** The system's scheduler could not be given, or rid of, what is to be done. */
export class ScheduleError extends CrmBackupError<'no-scheduler' | 'scheduler-failed'> {}
