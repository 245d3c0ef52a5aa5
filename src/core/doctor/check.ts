import { CrmBackupError } from '../errors.ts';

/** One look at something that backups depend on. */
export interface Check {
  /** What was looked at: `runtime`, `git`, `set file`, `repository`, `source …`, `vault`, `key`, `lock`, `disk space`, `restores`. */
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** One sentence: what was found. */
  readonly detail: string;
  /** The next step, where there is one. */
  readonly hint: string | undefined;
}

/** All is well. */
export function passed(name: string, detail: string): Check {
  return { name, status: 'ok', detail, hint: undefined };
}

/** It works, but may not for long. */
export function warned(name: string, detail: string, hint: string): Check {
  return { name, status: 'warning', detail, hint };
}

/** Backups, or reading them, will fail. */
export function failed(name: string, detail: string, hint: string | undefined): Check {
  return { name, status: 'failed', detail, hint };
}

/** The failed check that an error of the product is; any other error is thrown again. */
export function failedBy(name: string, error: unknown): Check {
  if (!(error instanceof CrmBackupError)) throw error;
  const { message, hint } = error as CrmBackupError;
  return failed(name, message, hint);
}
