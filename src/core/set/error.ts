import { CrmBackupError, type FailureOptions } from '../errors.ts';

export type SetErrorCode =
  | 'no-set-file'
  | 'invalid-set-file'
  | 'set-file-unreadable'
  | 'set-file-unwritable'
  | 'unknown-set'
  | 'several-sets'
  | 'set-exists'
  | 'missing-variable'
  | 'unknown-variable'
  | 'vault-holds-root';

/** One mistake in a set file, where an editor shows it. Line and column begin at 1. */
export interface SetIssue {
  readonly line: number;
  readonly column: number;
  /** One plain sentence without the position and without a full stop. */
  readonly message: string;
}

/** The set file, or what it asks for, cannot be used. */
export class SetError extends CrmBackupError<SetErrorCode> {
  /** Every mistake of an `invalid-set-file`, in the order of the text; empty for other codes. */
  readonly issues: readonly SetIssue[];

  constructor(
    code: SetErrorCode,
    message: string,
    options: FailureOptions & { readonly issues?: readonly SetIssue[] } = {},
  ) {
    super(code, message, options);
    this.issues = options.issues ?? [];
  }
}

/** How an issue reads on a line of its own: `line 4, column 7: unknown key “exlude”`. */
export function issueText({ line, column, message }: SetIssue): string {
  return `line ${String(line)}, column ${String(column)}: ${message}`;
}
