import type { OpenHistory } from '../history.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import { BRANCH } from './chain.ts';
import { COMMIT_FORMAT, splitCommits } from './log-output.ts';
import { fromMirrorPath, toMirrorPath } from './mirror-path.ts';

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

const CHANGES = { A: 'added', D: 'deleted', M: 'modified', R: 'renamed', T: 'modified' } as const;

/**
 * The backups that brought a text into a file or took it out, newest first; a file that was only renamed did neither.
 * Texts are searched, no files that are binary or large.
 * @throws {HistoryError} `git-failed`, `invalid-pattern`. {CancelledError}
 */
export async function searchText(
  { repository, commits, records }: OpenHistory,
  { text, regex, ignoreCase, paths }: TextQuery,
  task: Task,
): Promise<TextMatch[]> {
  if (records.length === 0 || text === '') return [];
  const told = await repository.run(
    [
      ...['log', '-z', '--raw', '-M', '-l1000', COMMIT_FORMAT, ...(ignoreCase ? ['-i'] : [])],
      ...[`${regex ? '-G' : '-S'}${text}`, BRANCH, '--'],
      ...paths.map((path) => `:(literal)${toMirrorPath(path)}`),
    ],
    task,
  );
  return splitCommits(told, records, commits).flatMap(({ record, parts }) => {
    const matches: TextMatch[] = [];
    for (let at = 0; at < parts.length;) {
      const [, status = 'M'] = /^:.* ([ADMRT])\d*$/.exec(parts[at] ?? '') ?? [];
      const change = CHANGES[status as keyof typeof CHANGES];
      const names = parts.slice(at + 1, at + (change === 'renamed' ? 3 : 2)).map(fromMirrorPath);
      const path = names.at(-1);
      if (path !== undefined) matches.push({ record, path, change, oldPath: names.at(-2) });
      at += 1 + names.length;
    }
    return matches;
  });
}
