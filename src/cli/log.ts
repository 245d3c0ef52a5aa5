import type { Command } from 'commander';
import type { PathVersion } from '../core/search.ts';
import { VaultError } from '../core/vault/error.ts';
import { entryPath } from './entry-path.ts';
import { openVault, rootsOf } from './opened.ts';
import { plainText } from './printable.ts';
import { formatAge, formatBytes, formatTime } from './quantity.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UnreadRecords } from './unread-records.ts';

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
        const [record] = records;
        if (record === undefined) {
          throw new VaultError('unknown-backup', 'There are no backups yet.', {
            hint: 'Take one with “crm-backup backup”.',
          });
        }
        const entry = entryPath(path, rootsOf(opened, record), session.surroundings.cwd);
        if (lines === true) {
          const { showLines } = await import('./log-lines.ts');
          return showLines(opened, records, entry, session);
        }
        if (follow === true) {
          const { followFile } = await import('./log-follow.ts');
          return followFile(opened, records, entry, session);
        }
        const unread = new UnreadRecords();
        const versions = await pathVersions(vault, records, entry, session.task, unread.add);
        return {
          json: { path: entry, versions: versions.map(versionJson) },
          text: table(versions, session),
          ...unread.told(session),
        };
      }),
    );
}

function versionJson({ record, change, entry }: PathVersion): Record<string, unknown> {
  return {
    backup: record.id,
    createdAt: record.createdAt,
    size: entry?.size ?? null,
    change,
    label: record.label ?? null,
  };
}

function table(versions: readonly PathVersion[], { paint, nowMs }: Session): string {
  const rows = versions.map(({ record, change, entry }) => [
    paint('cyan', shortId(record.id)),
    formatTime(record.createdAt),
    formatAge(Date.parse(record.createdAt), nowMs),
    change,
    entry === undefined ? '' : formatBytes(entry.size),
    plainText(record.label ?? ''),
  ]);
  return formatTable(
    [
      { title: 'BACKUP' },
      { title: 'CREATED' },
      { title: '', align: 'right' },
      { title: 'CHANGE' },
      { title: 'SIZE', align: 'right' },
      { title: '' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}
