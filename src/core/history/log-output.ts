import type { BackupRecord } from '../vault/record.ts';

/** What `git log -z` says of one backup. */
export interface LoggedCommit {
  readonly record: BackupRecord;
  /** What stands between NULs after its id. */
  readonly parts: readonly string[];
}

/** Has `git log -z` begin each commit so that {@link splitCommits} finds it. */
export const COMMIT_FORMAT = '--format=%x01%H';

/** Takes the output of `git log -z` apart by backups. What is no id of a commit of theirs is a part, whatever it is called. */
export function splitCommits(
  told: string,
  records: readonly BackupRecord[],
  commits: ReadonlyMap<string, string>,
): LoggedCommit[] {
  const byHeading = new Map(records.map((record) => [`\u0001${commits.get(record.id)}`, record]));
  const logged: { readonly record: BackupRecord; readonly parts: string[] }[] = [];
  for (const text of told.split('\0')) {
    const part = text.replace(/^\n/, '');
    const record = byHeading.get(part);
    if (record !== undefined) logged.push({ record, parts: [] });
    else if (part !== '') logged.at(-1)?.parts.push(part);
  }
  return logged;
}
