/** What a failure tells its user, besides its one sentence. */
export interface FailureOptions {
  /** The next step, as one sentence: “Free some space on /data and run the backup again.” */
  readonly hint?: string;
  /** The error underneath, kept for the log. */
  readonly cause?: unknown;
}

/**
 * A failure the product knows: a code to match on, one sentence for the user, and a hint for the next step.
 * Each subject has its own class with a closed union of codes; anything else that is thrown is a bug.
 */
export abstract class CrmBackupError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** The user stopped the work; what it leaves behind stands in the docstring of the function that threw it. */
export class CancelledError extends CrmBackupError<'cancelled'> {
  constructor(message = 'The work was cancelled; nothing was changed.') {
    super('cancelled', message);
  }
}

/**
 * The sentence about an error that the product does not know, which is a mistake of its own.
 * @param where it happened, as in “ in the backup engine”
 */
export function mistakeSentence(error: unknown, where = ''): string {
  return `Something unexpected happened${where}: ${error instanceof Error ? error.message : String(error)}`;
}

/** The system's own code of an error (`ENOENT`, `EACCES` …), or undefined when it has none; our own codes are no such. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof CrmBackupError) return undefined;
  const { code }: { code?: unknown } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : undefined;
}
