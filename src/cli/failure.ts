import { CrmBackupError, mistakeSentence } from '../core/errors.ts';
import { plainText } from '../core/printable.ts';

/** One mistake with its place in a file. */
interface Issue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** An error as `--json` prints it. */
export interface FailureJson {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly issues?: readonly Issue[];
  };
}

/** What `--json` prints for an error. An error the product does not know is a mistake of its own, and says so. */
export function failureJson(error: unknown): FailureJson {
  if (error instanceof CrmBackupError) {
    const { code, message, hint } = error as CrmBackupError;
    const issues = issuesOf(error);
    return { error: { code, message, hint: hint ?? null, ...(issues.length > 0 ? { issues } : {}) } };
  }
  return {
    error: {
      code: 'internal',
      message: mistakeSentence(error),
      hint: 'This is a mistake in CRM Backup; please report it. CRM_BACKUP_DEBUG=1 shows where it happened.',
    },
  };
}

/** What stderr says of an error: one sentence, all its places, the next step; the stack when `debug` is set. */
export function failureText(error: unknown, debug: boolean): string {
  const { message, hint, issues = [] } = failureJson(error).error;
  const lines = [`crm-backup: ${message}`];
  if (issues.length > 1) {
    for (const { line, column, message: text } of issues)
      lines.push(`  line ${line}, column ${column}: ${text}`);
  }
  if (hint !== null) lines.push(`hint: ${hint}`);
  if (debug) lines.push(...stacksOf(error));
  return `${plainText(lines.join('\n'))}\n`;
}

function stacksOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [error.stack ?? String(error), ...stacksOf(error.cause)];
}

function issuesOf(error: object): readonly Issue[] {
  const issues: unknown = 'issues' in error ? error.issues : undefined;
  return Array.isArray(issues) ? (issues as readonly Issue[]) : [];
}
