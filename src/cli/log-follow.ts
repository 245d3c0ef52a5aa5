import type { FileVersion } from '../core/history/file-versions.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import { VaultError } from '../core/vault/error.ts';
import type { Opened } from './opened.ts';
import { tellPlain } from './patch-renames.ts';
import { plainText, printable } from './printable.ts';
import { formatAge, formatBytes, formatCount, formatTime } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UnreadRecords } from './unread-records.ts';

/** `log --follow`: every version of a file, also of when it had another name, with the lines each changed. */
export async function followFile(
  { vault }: Opened,
  records: readonly BackupRecord[],
  path: string,
  session: Session,
): Promise<Outcome> {
  const { fileVersions } = await import('../core/history/file-versions.ts');
  const { historyOf } = await import('../core/history.ts');
  const unread = new UnreadRecords();
  let unknown: VaultError | undefined;
  for (const [set, ofSet] of bySet(records)) {
    try {
      const repository = historyOf(session.surroundings, vault, set);
      const { versions, hint } = await fileVersions(repository, vault, ofSet, path, session.task, unread.add);
      if (hint !== undefined) tellPlain(hint, 'other names of the file are not followed', session);
      return {
        json: { path, versions: versions.map(versionJson) },
        text: table(path, versions, session),
        ...unread.told(session),
      };
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'unknown-entry') throw error;
      unknown = error;
    }
  }
  throw unknown ?? new VaultError('unknown-entry', `No backup has “${path}”.`);
}

/** Backups by their sets, those of the newest first; each set has a history of its own. */
export function bySet(newestFirst: readonly BackupRecord[]): Map<string, BackupRecord[]> {
  const sets = new Map<string, BackupRecord[]>();
  for (const record of newestFirst) sets.set(record.set, [...(sets.get(record.set) ?? []), record]);
  return sets;
}

function versionJson(version: FileVersion): Record<string, unknown> {
  const { record, change, path, oldPath, size, added, deleted } = version;
  return {
    backup: record.id,
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

function table(asked: string, versions: readonly FileVersion[], { paint, nowMs }: Session): string {
  const rows = versions.map(({ record, change, path, size, added, deleted, oldPath }) => [
    paint('cyan', shortId(record.id)),
    formatTime(record.createdAt),
    formatAge(Date.parse(record.createdAt), nowMs),
    change,
    size === undefined ? '' : formatBytes(size),
    added === undefined ? '' : `+${formatCount(added)} -${formatCount(deleted ?? 0)}`,
    [path === asked ? '' : `as ${printable(path)}`, oldPath === undefined ? '' : `was ${printable(oldPath)}`]
      .filter((name) => name !== '')
      .join(', '),
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
      { title: '' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}
