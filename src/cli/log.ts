import type { Command } from 'commander';
import type { PathVersion } from '../core/search.ts';
import { VaultError } from '../core/vault/error.ts';
import { openVault } from './opened.ts';
import { inEachSet, inOneList, pathInSets, setColumn } from './path-in-sets.ts';
import { plainText } from '../core/printable.ts';
import { formatAge, formatBytes, formatTime } from './quantity.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { notFoundText, UnreadRecords } from './unread-records.ts';

type Version = PathVersion & { readonly path: string };

interface LogOptions {
  readonly follow?: true;
  readonly lines?: true;
}

/** `log`: every version of a path. */
export function defineLog(program: Command, act: Act): void {
  program
    .command('log <path>')
    .description('list every version of a path, newest first')
    .option('--follow', 'follow a file through its renames, and count changed lines')
    .option('--lines', 'print the newest version, each line with the backup it was changed in')
    .action((path: string, { follow, lines }: LogOptions) =>
      act(async (session) => {
        const { pathVersions } = await import('../core/search.ts');
        const opened = await openVault(session);
        const { vault, listing, setName } = opened;
        const records = listing.records.filter(({ set }) => setName === undefined || set === setName);
        if (records.length === 0 && listing.damaged.length === 0) {
          throw new VaultError('unknown-backup', 'There are no backups yet.', {
            hint: 'Take one with “crm-backup backup”.',
          });
        }
        const places = pathInSets(opened, records, path, session.surroundings.cwd);
        if (lines === true) {
          const { showLines } = await import('./log-lines.ts');
          return showLines(opened, records, places, session);
        }
        if (follow === true) {
          const { followFile } = await import('./log-follow.ts');
          return followFile(opened, records, places, session);
        }
        const unread = new UnreadRecords(listing);
        const answers = await inEachSet(places, unread, async (place) =>
          pathVersions(vault, place.records, place.path, session.task, unread.add),
        );
        const versions: Version[] = inOneList(records, answers);
        return {
          json: { path: answers[0]?.path ?? places[0]?.path ?? path, versions: versions.map(versionJson) },
          text: versions.length === 0 ? notFoundText(path) : table(versions, session),
          ...unread.told(session),
        };
      }),
    );
}

function versionJson({ record, path, change, entry }: Version): Record<string, unknown> {
  return {
    backup: record.id,
    set: record.set,
    path,
    createdAt: record.createdAt,
    size: entry?.size ?? null,
    change,
    label: record.label ?? null,
  };
}

function table(versions: readonly Version[], { paint, nowMs }: Session): string {
  const setOf = setColumn(versions);
  const rows = versions.map(({ record, change, entry }) => [
    paint('cyan', shortId(record.id)),
    formatTime(record.createdAt),
    formatAge(Date.parse(record.createdAt), nowMs),
    change,
    entry === undefined ? '' : formatBytes(entry.size),
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
      { title: 'SET' },
      { title: '' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}
