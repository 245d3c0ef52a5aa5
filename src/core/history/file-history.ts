import type { OpenHistory } from '../history.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import { BRANCH } from './chain.ts';
import { COMMIT_FORMAT, type LoggedChange, parseChanges, splitCommits } from './log-output.ts';
import { tellLosses } from './losses.ts';
import { toMirrorPath } from './mirror-path.ts';

/** One version of a file, as git tells it: the first backup that has it so. Its path is what it was called then. */
export interface LoggedVersion extends LoggedChange {
  readonly record: BackupRecord;
}

/** A version, and which of the backups brought it: 0 is the newest. */
interface Placed extends LoggedChange {
  readonly at: number;
}

/**
 * Every version of a file over the backups, newest first: of all that stood at its path, and of when it had another name.
 * It had one where a backup no longer has a file that git takes for the same; of a copy, what it is a copy of has a
 * history of its own. None where no backup has a file there.
 * @param unread is told the backups of which something was lost that would have been looked at
 * @throws {HistoryError} `git-failed`. {CancelledError}
 */
export async function fileHistory(
  history: OpenHistory,
  path: string,
  task: Task,
  unread: (record: BackupRecord) => void = () => undefined,
): Promise<LoggedVersion[]> {
  const { records } = history;
  const looked = new Set<string>();
  const found = new Map<string, Placed>();
  const wanted = [{ path, after: -1 }];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    looked.add(next.path);
    for (const version of await versionsAt(history, next.path, task)) {
      const key = keyOf(version.at, version.path);
      if (version.at <= next.after || found.has(key)) continue;
      const renamed = version.change === 'added' ? await renameTo(history, version, looked, task) : undefined;
      found.set(key, { ...version, ...renamed });
      if (renamed?.oldPath !== undefined) wanted.push({ path: renamed.oldPath, after: version.at });
    }
  }
  tellLosses(history, (other) => looked.has(other), unread);
  const versions = [...found.values()];
  // What goes on under another name was not deleted.
  const left = new Set(versions.map(({ at, oldPath }) => oldPath && keyOf(at, oldPath)));
  return versions
    .filter(({ at, change, path: then }) => change !== 'deleted' || !left.has(keyOf(at, then)))
    .sort((a, b) => a.at - b.at)
    .flatMap(({ at, ...version }) => {
      const record = records[at];
      return record === undefined ? [] : [{ ...version, record }];
    });
}

function keyOf(at: number, path: string): string {
  return `${at} ${path}`;
}

/** Every version of what stood at a path, whatever it was called elsewhere. */
async function versionsAt(
  { repository, commits, records }: OpenHistory,
  path: string,
  task: Task,
): Promise<Placed[]> {
  if (records.length === 0) return [];
  const told = await repository.run(
    [
      ...['log', '-z', '--raw', '--numstat', '--no-renames', COMMIT_FORMAT, BRANCH],
      ...['--', `:(literal)${toMirrorPath(path)}`],
    ],
    task,
  );
  const places = new Map(records.map((record, at) => [record, at]));
  return splitCommits(told, records, commits).flatMap(({ record, parts }) => {
    // Of a folder git tells what is in it.
    const version = parseChanges(parts).find((change) => change.path === path);
    return version === undefined ? [] : [{ ...version, at: places.get(record) ?? 0 }];
  });
}

/**
 * What a file that a backup added was called in the one before, where that was another name.
 * @param looked gets the files that it might have been
 */
async function renameTo(
  { repository, commits, records }: OpenHistory,
  { at, path }: Placed,
  looked: Set<string>,
  task: Task,
): Promise<LoggedChange | undefined> {
  const commit = commits.get(records[at]?.id ?? '');
  if (commit === undefined) return undefined;
  const ask = async (...options: readonly string[]): Promise<LoggedChange | undefined> => {
    const told = await repository.run(
      ['diff-tree', '-r', '-z', '--no-commit-id', '--raw', '-M', '-l1000', '--no-rename-empty', ...options],
      task,
    );
    return parseChanges(told.split('\0')).find(
      ({ change, path: now }) => change === 'renamed' && now === path,
    );
  };
  const renamed = await ask(commit);
  if (renamed?.oldPath === undefined) return undefined;
  // Lines are counted of these two only: the first backup of a project has many.
  const both = [renamed.oldPath, path].map((name) => `:(literal)${toMirrorPath(name)}`);
  return (await ask('--numstat', commit, '--', ...both)) ?? renamed;
}
