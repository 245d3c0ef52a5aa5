import { CancelledError, CrmBackupError, mistakeSentence } from '../core/errors.ts';

/** Where in a file a mistake is; line and column count from 1. */
export interface Issue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** An error as it travels from the engine to its host. */
export interface FailureData {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly issues?: readonly Issue[] | undefined;
  /** For the log; only of an error the product does not know. */
  readonly stack?: string | undefined;
}

/** What went wrong in the engine, told again in its host: same code, same sentence, same hint. */
export class EngineFailure extends CrmBackupError {
  /** The class of the original: `SetError`, `VaultError` … */
  readonly subject: string;
  readonly issues: readonly Issue[];

  constructor(data: FailureData) {
    super(data.code, data.message, data.hint === undefined ? {} : { hint: data.hint });
    this.subject = data.name;
    this.issues = data.issues ?? [];
    if (data.stack !== undefined) this.stack = data.stack;
  }
}

/** Turns what an operation threw into data. An error the product does not know is a bug, and says so. */
export function toFailure(error: unknown): FailureData {
  if (error instanceof CrmBackupError) {
    const { name, code, message, hint } = error as CrmBackupError;
    return { name, code, message, hint, issues: issuesOf(error) };
  }
  return {
    name: 'Bug',
    code: 'internal',
    message: mistakeSentence(error, ' in the backup engine'),
    hint: 'This is a mistake in CRM Backup; please report it with what the log says.',
    stack: error instanceof Error ? error.stack : undefined,
  };
}

/** Turns data back into what the host throws: {@link CancelledError} or {@link EngineFailure}. */
export function fromFailure(data: FailureData): CrmBackupError {
  return data.code === 'cancelled' ? new CancelledError(data.message) : new EngineFailure(data);
}

/** The places of the mistakes, from errors which know them. */
function issuesOf(error: object): readonly Issue[] | undefined {
  const issues: unknown = 'issues' in error ? error.issues : undefined;
  return Array.isArray(issues) ? (issues as readonly Issue[]) : undefined;
}
