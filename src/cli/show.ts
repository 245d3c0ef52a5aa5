import type { Command } from 'commander';
import type { BackupRecord } from '../core/vault/record.ts';
import { openBackup } from './opened.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatAge, formatBytes, formatTime } from './quantity.ts';
import { shownJson } from './record-json.ts';
import type { Act, Session } from './session.ts';
import { measureFacts, problemsText, shortId } from './shown-record.ts';
import { formatFacts } from './table.ts';

/** `show`: everything known about one backup. */
export function defineShow(program: Command, act: Act): void {
  program
    .command('show <backup>')
    .description('show everything known about one backup')
    .action((reference: string) =>
      act(async (session) => {
        const { record } = await openBackup(session, reference);
        return { json: shownJson(record), text: description(record, session) };
      }),
    );
}

function description(record: BackupRecord, { paint, nowMs }: Session): string {
  const when = (iso: string): string => `${formatTime(iso)}, ${formatAge(Date.parse(iso), nowMs)}`;
  const { git } = record;
  const facts = formatFacts([
    ['backup', paint('cyan', record.id)],
    ['set', printable(record.set)],
    ['kind', record.base === undefined ? record.kind : `${record.kind}, against ${shortId(record.base)}`],
    ['created', when(record.createdAt)],
    ['label', plainText(record.label ?? '')],
    ['status', record.status === 'partial' ? paint('yellow', 'partial') : 'complete'],
    ['pinned', record.pinned ? 'yes' : ''],
    ['safety', record.safety ? 'taken by itself before a change' : ''],
    ['verified', record.verifiedAt === undefined ? '' : when(record.verifiedAt)],
    [
      'damaged',
      record.damagedAt === undefined
        ? ''
        : `${paint('red', `found ${when(record.damagedAt)}`)}; “crm-backup verify --level data” tells what, “crm-backup repair” mends what it can`,
    ],
    ['lost', record.lostPaths ? paint('red', counted(record.lostPaths, 'path')) : ''],
    [
      'git',
      git === undefined
        ? ''
        : `${git.commit.slice(0, 12)} ${plainText(git.branch ?? '')}${git.dirty ? ', with changes' : ''}`,
    ],
    ...measureFacts(record),
    ...record.sources.map(({ type, name, directory, entries, bytes }): [string, string] => [
      'source',
      `${type}/${printable(name)}  ${printable(directory)}  ${counted(entries, 'entry', 'entries')}, ${formatBytes(bytes)}`,
    ]),
  ]);
  const problems = problemsText(record, paint);
  return problems === '' ? facts : `${facts}\n\n${problems}`;
}
