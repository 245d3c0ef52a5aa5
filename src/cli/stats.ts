import type { Command } from 'commander';
import type { Figures } from '../core/metrics/figures.ts';
import { homeOf } from '../core/surroundings.ts';
import { openVault, unreadableText } from './opened.ts';
import { printable } from '../core/printable.ts';
import { counted, formatAge, formatBytes, formatDuration, formatRatio } from './quantity.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatFacts, formatTable } from './table.ts';

/** As many backups are listed for what forgetting them would free; `--json` has all. */
const MOST_LISTED = 10;

/** `stats`: what the vault takes, what takes it, and how long a recovery takes. */
export function defineStats(program: Command, act: Act): void {
  program
    .command('stats')
    .description('tell what the vault takes on disk, how it grew, and how long a recovery takes')
    .action(() =>
      act(async (session) => {
        const { measure } = await import('../core/metrics/figures.ts');
        const { vault, listing, setName: set } = await openVault(session);
        const unreadable = unreadableText(listing);
        if (unreadable !== undefined)
          session.warn(
            `${unreadable}; what no other needs counts as unused, and “crm-backup prune” frees nothing now.`,
          );
        const figures = await measure(vault, { home: homeOf(session.surroundings), set }, session.task);
        return { json: figures, text: textOf(figures, session) };
      }),
    );
}

function textOf(figures: Figures, session: Session): string {
  const { source, stored, ratio, dedup, compression, unused } = figures;
  const facts: [string, string][] = [
    ['backups', backupsText(figures)],
    ['source', formatBytes(source)],
    ['stored', formatBytes(stored)],
    ['ratio', formatRatio(ratio)],
    ['dedup', formatRatio(dedup)],
    ['compression', formatRatio(compression)],
    ['unused', unused === 0 ? '' : `${formatBytes(unused)}; “crm-backup prune” frees it`],
    ['recovery', recoveryText(figures, session)],
  ];
  return [formatFacts(facts), partsTable(figures, session), exclusiveTable(figures, session)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The figures below are those of the vault, whichever sets share it. */
function backupsText({ backups, sets }: Figures): string {
  return sets > 1
    ? `${counted(backups, 'backup')} of ${counted(sets, 'set')} in this vault`
    : counted(backups, 'backup');
}

function recoveryText({ recoveryTime }: Figures, { nowMs }: Session): string {
  const { last, kind, at, estimate, estimatedFrom } = recoveryTime;
  if (last === null || at === null) return 'not measured yet; restore a backup to know';
  const measured = `${formatDuration(last)} (${kind ?? ''}, ${formatAge(Date.parse(at), nowMs)})`;
  if (estimate === null || estimatedFrom === null) return measured;
  const age = formatAge(Date.parse(estimatedFrom), nowMs);
  return `${measured}; the latest backup about ${formatDuration(estimate)}, by rates measured ${age}`;
}

function partsTable({ parts, stored }: Figures, { paint }: Session): string {
  if (parts.length === 0) return '';
  return formatTable(
    [{ title: 'WHAT TAKES THE SPACE' }, { title: '', align: 'right' }, { title: '', align: 'right' }],
    parts.map(({ name, bytes }) => [
      printable(name),
      formatBytes(bytes),
      `${((100 * bytes) / Math.max(1, stored)).toFixed(1)} %`,
    ]),
    (title) => paint('dim', title),
  );
}

function exclusiveTable({ history }: Figures, { paint, nowMs }: Session): string {
  const largest = history
    .filter(({ isGone }) => !isGone)
    .toSorted((a, b) => (b.exclusive ?? 0) - (a.exclusive ?? 0))
    .slice(0, MOST_LISTED);
  if (largest.length === 0) return '';
  return formatTable(
    [
      { title: 'FORGETTING' },
      { title: '', align: 'right' },
      { title: 'KIND' },
      { title: 'FREES', align: 'right' },
    ],
    largest.map(({ id, createdAt, kind, exclusive }) => [
      paint('cyan', shortId(id)),
      formatAge(Date.parse(createdAt), nowMs),
      kind,
      formatBytes(exclusive ?? 0),
    ]),
    (title) => paint('dim', title),
  );
}
