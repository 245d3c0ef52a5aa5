import type { OpenHistory } from '../history.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import { tellLosses } from './losses.ts';
import { toMirrorPath } from './mirror-path.ts';

/** Lines next to each other that have been as they are since the same backup. */
export interface LineOrigin {
  /** The first of them, counted from 1. */
  readonly line: number;
  readonly count: number;
  /** The first backup that has them so. */
  readonly record: BackupRecord;
}

/**
 * For every line of a file in a backup, the backup that it was changed in. None where the backup has no such file, or
 * where it is no text or is large.
 * @param unread is told the backups of which something of the file was lost: its lines may be older than is told
 * @throws {HistoryError} `git-failed`. {CancelledError}
 */
export async function lineOrigins(
  history: OpenHistory,
  backup: string,
  path: string,
  task: Task,
  unread: (record: BackupRecord) => void = () => undefined,
): Promise<LineOrigin[]> {
  const { repository, commits, records } = history;
  const commit = commits.get(backup);
  if (commit === undefined) return [];
  tellLosses(history, (other) => other === path, unread);
  const name = toMirrorPath(path);
  const listed = await repository.run(['ls-tree', '-z', commit, '--', name], task);
  const [, blob] = /^100\d+ blob (\w+)\t/.exec(listed) ?? [];
  if (blob === undefined) return [];
  const content = await repository.run(['cat-file', 'blob', blob], task);
  if (content === '' || content.startsWith('\0')) return [];
  const told = await repository.run(['blame', '--incremental', commit, '--', name], task);
  const byCommit = new Map(records.map((record) => [commits.get(record.id), record]));
  const origins = told.split('\n').flatMap((text): LineOrigin[] => {
    const [, origin, line, count] = /^([0-9a-f]{40,64}) \d+ (\d+) (\d+)$/.exec(text) ?? [];
    const record = byCommit.get(origin);
    return record === undefined ? [] : [{ line: Number(line), count: Number(count), record }];
  });
  return origins.sort((a, b) => a.line - b.line);
}
