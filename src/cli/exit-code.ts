import { CrmBackupError } from '../core/errors.ts';

/** What the command line ends with; scripts rely on these numbers. */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  damage: 4,
  nothingThere: 10,
  locked: 11,
  key: 12,
  cancelled: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const codes: Readonly<Record<string, ExitCode>> = {
  usage: ExitCode.usage,
  'unknown-set': ExitCode.usage,
  'several-sets': ExitCode.usage,
  damaged: ExitCode.damage,
  'missing-chunk': ExitCode.damage,
  'no-vault': ExitCode.nothingThere,
  'no-set-file': ExitCode.nothingThere,
  locked: ExitCode.locked,
  'wrong-key': ExitCode.key,
  'missing-key': ExitCode.key,
  'invalid-key': ExitCode.key,
  cancelled: ExitCode.cancelled,
};

/** The number a failure ends with. */
export function exitCodeOf(error: unknown): ExitCode {
  return exitCodeOfName(error instanceof CrmBackupError ? (error as CrmBackupError).code : undefined);
}

/** The number that a failure of this code ends with. */
export function exitCodeOfName(code: string | undefined): ExitCode {
  return (code === undefined ? undefined : codes[code]) ?? ExitCode.failed;
}
