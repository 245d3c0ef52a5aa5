import type { OpenHistory } from '../history.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import { BRANCH } from './chain.ts';
import { COMMIT_FORMAT, splitCommits } from './log-output.ts';
import { fromMirrorPath, toMirrorPath } from './mirror-path.ts';

/** One version of a file, as git tells it: the first backup that has it so. */
export interface LoggedVersion {
  readonly record: BackupRecord;
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  /** What it was called then. */
  readonly path: string;
  /** What it was called before, for `renamed`. */
  readonly oldPath: string | undefined;
  /** Lines; undefined where the content is no text or is large. */
  readonly added: number | undefined;
  readonly deleted: number | undefined;
}

const CHANGES = { A: 'added', D: 'deleted', R: 'renamed', M: 'modified', T: 'modified' } as const;

/**
 * Every version of a file over the backups, newest first, also of when it had another name. None where no backup has a file there.
 * @throws {HistoryError} `git-failed`. {CancelledError}
 */
export async function fileHistory(
  { repository, commits, records }: OpenHistory,
  path: string,
  task: Task,
): Promise<LoggedVersion[]> {
  if (records.length === 0) return [];
  const told = await repository.run(
    [
      ...['log', '--follow', '-M', '-z', '--raw', '--numstat', COMMIT_FORMAT, BRANCH],
      ...['--', `:(literal)${toMirrorPath(path)}`],
    ],
    task,
  );
  const versions = splitCommits(told, records, commits).flatMap(({ record, parts }) => {
    const version = parseVersion(parts);
    return version === undefined ? [] : [{ ...version, record }];
  });
  // Of a folder git tells what is in it.
  return versions[0]?.path === path ? versions : [];
}

/** Reads what git says of one file in a commit: modes and status, its path or two, and counts of lines. */
function parseVersion([head = '', first = '', second = '', ...rest]: readonly string[]):
  Omit<LoggedVersion, 'record'> | undefined {
  const [, status] = /^:.* ([ADRMT])\d*$/.exec(head) ?? [];
  if (status === undefined) return undefined;
  const isRename = status === 'R';
  const [, added, deleted] = /^(\d+|-)\t(\d+|-)\t/.exec((isRename ? rest[0] : second) ?? '') ?? [];
  return {
    change: CHANGES[status as keyof typeof CHANGES],
    path: fromMirrorPath(isRename ? second : first),
    oldPath: isRename ? fromMirrorPath(first) : undefined,
    added: lineCount(added),
    deleted: lineCount(deleted),
  };
}

function lineCount(text: string | undefined): number | undefined {
  return text === undefined || text === '-' ? undefined : Number(text);
}
