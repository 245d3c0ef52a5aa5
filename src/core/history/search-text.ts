import type { OpenHistory } from '../history.ts';
import type { Task } from '../task.ts';
import { isWithin } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import { BRANCH } from './chain.ts';
import { COMMIT_FORMAT, parseChanges, splitCommits } from './log-output.ts';
import { tellLosses } from './losses.ts';
import { toMirrorPath } from './mirror-path.ts';

/** What is searched for, and where. */
export interface TextQuery {
  readonly text: string;
  /** The text is an extended regular expression, and changed lines are looked at; else its occurrences are counted. */
  readonly regex: boolean;
  readonly ignoreCase: boolean;
  /** Only at or below these; everywhere when empty. */
  readonly paths: readonly string[];
}

/** A file in which a backup changed how often a text occurs. */
export interface TextMatch {
  readonly record: BackupRecord;
  readonly path: string;
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  /** What it was called before, for `renamed`. */
  readonly oldPath: string | undefined;
}

/**
 * The backups that brought a text into a file or took it out, newest first; a file that was only renamed did neither.
 * Texts are searched, no files that are binary or large.
 * @param unread is told the backups of which something was lost that would have been searched
 * @throws {HistoryError} `git-failed`, `invalid-pattern`. {CancelledError}
 */
export async function searchText(
  history: OpenHistory,
  { text, regex, ignoreCase, paths }: TextQuery,
  task: Task,
  unread: (record: BackupRecord) => void = () => undefined,
): Promise<TextMatch[]> {
  const { repository, commits, records } = history;
  if (records.length === 0 || text === '') return [];
  const told = await repository.run(
    [
      ...['log', '-z', '--raw', '-M', '-l1000', COMMIT_FORMAT, ...(ignoreCase ? ['-i'] : [])],
      ...[`${regex ? '-G' : '-S'}${text}`, BRANCH, '--'],
      ...paths.map((path) => `:(literal)${toMirrorPath(path)}`),
    ],
    task,
  );
  tellLosses(history, (path) => paths.length === 0 || paths.some((within) => isWithin(path, within)), unread);
  return splitCommits(told, records, commits).flatMap(({ record, parts }) =>
    parseChanges(parts).map(({ change, path, oldPath }) => ({ record, path, change, oldPath })),
  );
}
