import type { BackupRecord } from '../vault/record.ts';
import { fromMirrorPath } from './mirror-path.ts';

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

/** One file in what `git log -z --raw`, or `git diff-tree`, says of a commit. */
export interface LoggedChange {
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  readonly path: string;
  /** What it was called before, for `renamed`. */
  readonly oldPath: string | undefined;
  /** Lines, with `--numstat`; undefined where the content is no text. */
  readonly added: number | undefined;
  readonly deleted: number | undefined;
}

const CHANGES = { A: 'added', D: 'deleted', R: 'renamed', M: 'modified', T: 'modified' } as const;

/** Reads the files of a commit: of each a line of modes and status, its path or two; then the counts of lines. */
export function parseChanges(parts: readonly string[]): LoggedChange[] {
  const changes: LoggedChange[] = [];
  const counts = new Map<string, Pick<LoggedChange, 'added' | 'deleted'>>();
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? '';
    const [, status] = /^:.* ([ADMRT])\d*$/.exec(part) ?? [];
    if (status !== undefined) {
      const oldPath = status === 'R' ? fromMirrorPath(parts[++at] ?? '') : undefined;
      const path = fromMirrorPath(parts[++at] ?? '');
      const change = CHANGES[status as keyof typeof CHANGES];
      changes.push({ change, path, oldPath, added: undefined, deleted: undefined });
      continue;
    }
    const [, added, deleted, name] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(part) ?? [];
    // Of a rename the two paths follow.
    const path = name === '' ? parts[(at += 2)] : name;
    if (path !== undefined)
      counts.set(fromMirrorPath(path), { added: lineCount(added), deleted: lineCount(deleted) });
  }
  return changes.map((change) => ({ ...change, ...counts.get(change.path) }));
}

function lineCount(text: string | undefined): number | undefined {
  return text === undefined || text === '-' ? undefined : Number(text);
}
