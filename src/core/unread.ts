import type { Problem } from './problem.ts';
import { isWithin } from './vault/order.ts';
import type { BackupRecord } from './vault/record.ts';

/**
 * Why a backup may lack a path although it was there: what could not be read at the path or above it. Undefined when the
 * backup lacks it because there was nothing. Problems beyond those listed may be anywhere.
 */
export function unreadBecause(
  { problems, moreProblems = {} }: Pick<BackupRecord, 'problems' | 'moreProblems'>,
  path: string,
): Problem | undefined {
  const incomplete = problems.filter((problem) => problem.incomplete);
  return (
    incomplete.find((problem) => isWithin(path, problem.path)) ??
    incomplete.find(({ code }) => (moreProblems[code] ?? 0) > 0)
  );
}
