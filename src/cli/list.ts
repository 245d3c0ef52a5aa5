import type { Command } from 'commander';
import type { BackupRecord } from '../core/vault/record.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatAge, formatBytes, formatCount, formatRatio, formatTime } from './quantity.ts';
import { type Opened, openVault, unreadableText } from './opened.ts';
import { listedJson, ratioOf } from './record-json.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';

/** `list`: the backups, newest first. */
export function defineList(program: Command, act: Act): void {
  program
    .command('list')
    .description('list the backups, newest first')
    .action(() =>
      act(async (session) => {
        const opened = await openVault(session);
        const { listing, setName: set } = opened;
        const records = listing.records.filter((record) => set === undefined || record.set === set);
        const unreadable = unreadableText(listing);
        if (unreadable !== undefined) session.warn(`${unreadable}; “crm-backup verify” tells more.`);
        return {
          json: { backups: records.map(listedJson) },
          text:
            records.length > 0
              ? table(records, session)
              : unreadable === undefined
                ? ['No backups yet; take one with “crm-backup backup”.', ...othersIn(opened)].join('\n')
                : 'There is no backup that can be read.',
        };
      }),
    );
}

/** Whose backups the vault has instead: a set may have got another name. */
function othersIn({ listing, placed }: Opened): string[] {
  const named = new Set(placed.map(({ set }) => set.name));
  const sets = new Set(listing.records.map(({ set }) => set).filter((set) => !named.has(set)));
  const [vault] = placed.map(({ vaultDirectory }) => vaultDirectory);
  if (sets.size === 0 || vault === undefined) return [];
  const names = [...sets].map((set) => `“${plainText(set)}”`).join(', ');
  return [
    `The vault has backups of ${names}, which the set file does not name; “crm-backup list --vault ${printable(vault)}” lists them.`,
  ];
}

function table(records: readonly BackupRecord[], session: Session): string {
  const { paint, nowMs } = session;
  const sets = new Set(records.map(({ set }) => set));
  const rows = records.map((record) => [
    paint('cyan', shortId(record.id)),
    formatTime(record.createdAt),
    formatAge(Date.parse(record.createdAt), nowMs),
    record.kind,
    sets.size > 1 ? printable(record.set) : '',
    formatCount(record.files.total),
    formatBytes(record.bytes.source),
    formatBytes(record.bytes.stored),
    formatRatio(ratioOf(record)),
    remarks(record, session).join(', '),
  ]);
  return formatTable(
    [
      { title: 'ID' },
      { title: 'CREATED' },
      { title: '', align: 'right' },
      { title: 'KIND' },
      { title: 'SET' },
      { title: 'FILES', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'STORED', align: 'right' },
      { title: 'RATIO', align: 'right' },
      { title: '' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}

function remarks(record: BackupRecord, { paint }: Session): string[] {
  const lost = record.lostPaths ?? 0;
  return [
    ...(record.label === undefined ? [] : [plainText(record.label).replaceAll('\n', '\\n')]),
    ...(record.pinned ? ['pinned'] : []),
    ...(record.safety ? ['safety'] : []),
    ...(record.status === 'partial' ? ['partial'] : []),
    ...(lost > 0 ? [paint('red', `lost ${counted(lost, 'path')}`)] : []),
    ...(record.damagedAt === undefined || lost > 0 ? [] : [paint('red', 'damaged')]),
    ...(record.verifiedAt === undefined || lost > 0 ? [] : ['verified']),
  ];
}
