import type { HistoryError } from '../core/history/error.ts';
import type { FileVersion } from '../core/history/file-versions.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { Opened } from './opened.ts';
import { tellPlain } from './patch-renames.ts';
import { inEachSet, inOneList, type PathInSet, setColumn } from './path-in-sets.ts';
import { plainText, printable } from '../core/printable.ts';
import { formatAge, formatBytes, formatCount, formatTime } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { notFoundText, UnreadRecords } from './unread-records.ts';

/** `log --follow`: every version of a file, also of when it had another name, with the lines each changed. */
export async function followFile(
  { vault, listing }: Opened,
  records: readonly BackupRecord[],
  places: readonly PathInSet[],
  session: Session,
): Promise<Outcome> {
  const { fileVersions } = await import('../core/history/file-versions.ts');
  const { historyOf } = await import('../core/history.ts');
  const unread = new UnreadRecords(listing);
  let plain: HistoryError | undefined;
  const answers = await inEachSet(places, unread, async ({ set, records: ofSet, path }) => {
    const repository = historyOf(session.surroundings, vault, set);
    const { versions, hint } = await fileVersions(repository, vault, ofSet, path, session.task, unread.add);
    plain ??= hint;
    return versions;
  });
  if (plain !== undefined) tellPlain(plain, 'other names of the file are not followed', session);
  const versions = inOneList(records, answers);
  const asked = new Set(places.map(({ path }) => path));
  return {
    json: { path: (answers[0] ?? places[0])?.path ?? null, versions: versions.map(versionJson) },
    text: versions.length === 0 ? notFoundText(places[0]?.path ?? '') : table(asked, versions, session),
    ...unread.told(session),
  };
}

function versionJson(version: FileVersion): Record<string, unknown> {
  const { record, change, path, oldPath, size, added, deleted } = version;
  return {
    backup: record.id,
    set: record.set,
    createdAt: record.createdAt,
    size: size ?? null,
    change,
    label: record.label ?? null,
    path,
    ...(oldPath === undefined ? {} : { oldPath }),
    added: added ?? null,
    deleted: deleted ?? null,
  };
}

function table(
  asked: ReadonlySet<string>,
  versions: readonly FileVersion[],
  { paint, nowMs }: Session,
): string {
  const setOf = setColumn(versions);
  const rows = versions.map(({ record, change, path, size, added, deleted, oldPath }) => [
    paint('cyan', shortId(record.id)),
    formatTime(record.createdAt),
    formatAge(Date.parse(record.createdAt), nowMs),
    change,
    size === undefined ? '' : formatBytes(size),
    added === undefined ? '' : `+${formatCount(added)} -${formatCount(deleted ?? 0)}`,
    [asked.has(path) ? '' : `as ${printable(path)}`, oldPath === undefined ? '' : `was ${printable(oldPath)}`]
      .filter((name) => name !== '')
      .join(', '),
    setOf(record),
    plainText(record.label ?? ''),
  ]);
  return formatTable(
    [
      { title: 'BACKUP' },
      { title: 'CREATED' },
      { title: '', align: 'right' },
      { title: 'CHANGE' },
      { title: 'SIZE', align: 'right' },
      { title: 'LINES', align: 'right' },
      { title: '' },
      { title: 'SET' },
      { title: '' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}
