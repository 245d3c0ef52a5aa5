import { CrmBackupError } from '../core/errors.ts';

/** The command line was used in a way it does not understand. */
export class UsageError extends CrmBackupError<'usage'> {
  constructor(message: string, hint?: string) {
    super('usage', message, hint === undefined ? {} : { hint });
  }
}
