import type { BackupRecord } from '../vault/record.ts';

/** What `git log -z` says of one backup. */
export interface LoggedCommit {
  readonly record: BackupRecord;
  /** What stands between NULs after its id. */
  readonly parts: readonly string[];
}

/** Has `git log -z` begin each commit so that {@link splitCommits} finds it. */
export const COMMIT_FORMAT = '--format=%x01%H';
const COMMIT = /\u0001(?=[0-9a-f]{40,64}\0)/; // eslint-disable-line no-control-regex -- no path begins so

/** Takes the output of `git log -z` apart by backups. */
export function splitCommits(
  told: string,
  records: readonly BackupRecord[],
  commits: ReadonlyMap<string, string>,
): LoggedCommit[] {
  const byCommit = new Map(records.map((record) => [commits.get(record.id), record]));
  return told.split(COMMIT).flatMap((text) => {
    const [commit, ...parts] = text.split('\0').map((part) => part.replace(/^\n/, ''));
    const record = byCommit.get(commit);
    return record === undefined ? [] : [{ record, parts: parts.filter((part) => part !== '') }];
  });
}
