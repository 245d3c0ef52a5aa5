import { countProblems, type Problem } from '../problem.ts';
import type { BackupRecord } from '../vault/record.ts';
import { Selection, type SelectedPath } from './selection.ts';

/** What a partial backup lacks of what is restored. */
export interface Lacking {
  /** How many entries are missing or in doubt. */
  readonly count: number;
  readonly first: Pick<Problem, 'path' | 'message'>;
}

/**
 * What a backup lacks of the selected paths; undefined when nothing is known to be missing or in doubt.
 * @param paths what is selected; undefined selects everything
 */
export function lackingOf(
  { problems, moreProblems }: Pick<BackupRecord, 'problems' | 'moreProblems'>,
  paths: readonly SelectedPath[] | undefined,
): Lacking | undefined {
  const selection = new Selection(paths);
  const isLacking = ({ incomplete, path }: Problem): boolean =>
    incomplete && selection.resolve(path) !== 'none';
  const first = problems.find(isLacking);
  if (first === undefined) return undefined;
  // Where those are that are only counted, nobody knows.
  const more = paths === undefined ? moreProblems : undefined;
  const { path, message } = first;
  return { count: countProblems({ problems, moreProblems: more }, isLacking), first: { path, message } };
}
