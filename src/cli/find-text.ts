import type { TextMatch } from '../core/history/search-text.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { Opened } from './opened.ts';
import { bySet } from './path-in-sets.ts';
import { printable } from '../core/printable.ts';
import { formatAge, formatTime } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UnreadRecords } from './unread-records.ts';

/** What text is searched for. */
export interface TextOptions {
  readonly text: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
}

/** `find --text`: the backups that brought a text into a file or took it out. */
export async function findText(
  { vault, listing }: Opened,
  records: readonly BackupRecord[],
  options: TextOptions,
  accepts: (path: string) => boolean,
  session: Session,
): Promise<Outcome> {
  const { historyOf, withHistory } = await import('../core/history.ts');
  const { searchText } = await import('../core/history/search-text.ts');
  const { task } = session;
  const unread = new UnreadRecords(listing);
  const matches: TextMatch[] = [];
  for (const [set, ofSet] of bySet(records)) {
    const repository = historyOf(session.surroundings, vault, set);
    const found = await withHistory(repository, vault, ofSet, task, async (history) =>
      searchText(history, { ...options, paths: [] }, task, unread.add),
    );
    matches.push(...found.filter(({ path }) => accepts(path)));
  }
  return {
    json: { matches: matches.map(matchJson) },
    text: matches.length === 0 ? 'Nothing found.' : table(matches, session),
    summary: 'Not searched: files and tables over 1 MB, and rows of SQLite databases.',
    ...unread.told(session),
  };
}

function matchJson({ record, path, change, oldPath }: TextMatch): Record<string, unknown> {
  const was = oldPath === undefined ? {} : { oldPath };
  return {
    path,
    change,
    ...was,
    backup: record.id,
    createdAt: record.createdAt,
    label: record.label ?? null,
  };
}

function table(matches: readonly TextMatch[], { paint, nowMs }: Session): string {
  const rows = matches.map(({ record, path, change }) => [
    paint('cyan', shortId(record.id)),
    formatTime(record.createdAt),
    formatAge(Date.parse(record.createdAt), nowMs),
    change,
    printable(path),
  ]);
  return formatTable(
    [
      { title: 'BACKUP' },
      { title: 'CREATED' },
      { title: '', align: 'right' },
      { title: 'CHANGE' },
      { title: 'PATH' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}
