import type { Command } from 'commander';
import type { EntryChange } from '../core/compare/change.ts';
import type { LineCounts } from '../core/compare/content.ts';
import type { TableSummary } from '../core/compare/rows.ts';
import type { Problem } from '../core/problem.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import { throwIfCancelled } from '../core/task.ts';
import { assertPathsKnown, type Comparison, comparisonOf, liveSetOf } from './diff-sides.ts';
import {
  collectTables,
  type DatabaseChanges,
  objectJson,
  objectLines,
  tableJson,
  tableLines,
} from './diff-tables.ts';
import { finishRestores, surroundingOf } from './interrupted-restores.ts';
import type { Opened } from './opened.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatCount } from './quantity.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { UnreadPaths } from './unread-paths.ts';
import { UsageError } from './usage.ts';

interface DiffOptions {
  readonly workspace?: true;
  readonly patch?: true;
  readonly rows?: string;
  readonly limit?: number;
}

interface CountedChange {
  readonly change: EntryChange;
  readonly lines: LineCounts;
  readonly patch: Buffer | undefined;
}

/** `diff`: what changed between a backup and its base, another backup, or the workspace. */
export function defineDiff(program: Command, act: Act): void {
  program
    .command('diff <backup> [other-or-path...]')
    .usage('[options] BACKUP [OTHER] [PATH...]')
    .description('tell what changed since its base, up to another backup, or up to now')
    .option('--workspace', 'compare with the live files and databases')
    .option('-p, --patch', 'print a unified diff as git does')
    .option('--rows <database.table>', 'print the rows of a table that differ')
    .option('--limit <rows>', 'print at most so many rows', parseLimit)
    .action((reference: string, rest: string[], options: DiffOptions) =>
      act((session) => compare(reference, rest, options, session)),
    );
}

async function compare(
  reference: string,
  rest: readonly string[],
  options: DiffOptions,
  session: Session,
): Promise<Outcome> {
  const comparison = await comparisonOf(reference, rest, options.workspace === true, session);
  if (comparison.to === undefined) await finishRestores(surroundingOf(comparison.opened), session);
  await assertPathsKnown(comparison);
  const unread = new UnreadPaths(session);
  const outcome = await outcomeOf(comparison, options, unread, session);
  return {
    ...outcome,
    // Lines are compared while they are printed.
    get exitCode() {
      return unread.exitCode;
    },
  };
}

async function outcomeOf(
  comparison: Comparison,
  options: DiffOptions,
  unread: UnreadPaths,
  session: Session,
): Promise<Outcome> {
  const { from, to } = comparison;
  if (options.rows !== undefined) {
    const { showRows } = await import('./diff-rows.ts');
    return showRows(comparison, options.rows, options.limit ?? Infinity, unread.report, session);
  }
  const changes = await collectChanges(comparison, session, unread.report);
  const withPatch = options.patch === true;
  const json = session.options.json === true;
  const databases =
    withPatch && !json ? NO_DATABASES : await collectTables(comparison, unread.report, session);
  const { tables, objects } = databases;
  const withLines = countedChanges(changes, tables, comparison.opened, withPatch, unread, session);
  if (json) {
    const entries = [];
    for await (const change of withLines) entries.push(changeJson(change));
    entries.push(...objects.map(objectJson));
    return {
      json: { from: from?.id ?? null, to: to?.id ?? 'workspace', entries, tables: tables.map(tableJson) },
    };
  }
  if (withPatch) return { json: undefined, text: patches(withLines, session.isTerminal) };
  return { json: undefined, text: summaryLines(withLines, databases, comparison, session) };
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`--limit wants a number of rows, and “${plainText(text)}” is none.`);
}

async function collectChanges(
  { opened, from, to, paths }: Comparison,
  session: Session,
  report: (problem: Problem) => void,
): Promise<EntryChange[]> {
  const changes: EntryChange[] = [];
  if (to !== undefined) {
    const { compareRecords } = await import('../core/compare.ts');
    const stored = compareRecords(opened.vault, from, to, paths, report, session.task);
    for await (const change of stored) changes.push(change);
  } else if (from !== undefined) {
    const { roots } = liveSetOf(opened, from);
    const { compareWithLive } = await import('../core/compare/live.ts');
    const live = compareWithLive(opened.vault, from, roots, paths, report, session.task);
    for await (const change of live) changes.push(change);
  }
  const { isOfInterest } = await import('../core/compare/change.ts');
  const { withRenames } = await import('./patch-renames.ts');
  const paired = await withRenames(opened.vault, (to ?? from)?.set ?? '', changes, session);
  return paired.filter(isOfInterest);
}

async function* countedChanges(
  changes: readonly EntryChange[],
  tables: readonly TableSummary[],
  { vault }: Opened,
  wantsPatch: boolean,
  unread: UnreadPaths,
  { task }: Session,
): AsyncGenerator<CountedChange> {
  const { countLines, readText } = await import('../core/compare/content.ts');
  const { formatPatch } = await import('../core/compare/patch.ts');
  const rows = new Map(tables.map((table) => [`databases/${table.database}/${table.path}`, table]));
  for (const [done, change] of changes.entries()) {
    throwIfCancelled(task);
    task.progress?.({ phase: 'lines', done, total: changes.length, unit: 'files' });
    if (!wantsPatch && isTable(change)) {
      const lines = unread.has(change.path) ? UNKNOWN : linesOfRows(rows.get(change.path));
      yield { change, lines, patch: undefined };
      continue;
    }
    const text = await readText(vault, change, unread.tell);
    yield { change, lines: countLines(text), patch: wantsPatch ? formatPatch(change, text) : undefined };
  }
}

function isTable({ before, after }: EntryChange): boolean {
  return (after ?? before)?.type === 'table';
}

const NO_DATABASES: DatabaseChanges = { tables: [], objects: [] };
const UNKNOWN: LineCounts = { binary: false, added: null, deleted: null };

/** A row is a line: one that changed is a line that went and another that came. */
function linesOfRows(table: TableSummary | undefined): LineCounts {
  const { added = 0, changed = 0, deleted = 0 } = table ?? {};
  return { binary: false, added: added + changed, deleted: deleted + changed };
}

function changeJson({ change, lines, patch }: CountedChange): Record<string, unknown> {
  const { path, change: kind, oldPath, before, after } = change;
  return {
    path,
    change: kind,
    ...(oldPath === undefined ? {} : { oldPath }),
    type: (after ?? before)?.type,
    ...lines,
    ...(patch === undefined ? {} : { patch: patch.toString('utf8') }),
  };
}

/** Patches byte for byte; on a terminal without anything it would obey. */
async function* patches(
  changes: AsyncIterable<CountedChange>,
  isTerminal: boolean,
): AsyncGenerator<string | Uint8Array> {
  for await (const { patch } of changes) {
    if (patch !== undefined) yield isTerminal ? plainText(patch.toString('utf8')) : patch;
  }
}

const LETTERS = { added: 'A', modified: 'M', deleted: 'D', renamed: 'R' } as const;
const COLOURS = { added: 'green', modified: 'yellow', deleted: 'red', renamed: 'cyan' } as const;

async function* summaryLines(
  changes: AsyncIterable<CountedChange>,
  { tables, objects }: DatabaseChanges,
  { from, to }: Comparison,
  session: Session,
): AsyncGenerator<string> {
  const { paint } = session;
  yield `${paint('dim', `from ${nameOf(from) ?? 'nothing'} to ${nameOf(to) ?? 'the workspace'}`)}\n`;
  const totals = { added: 0, modified: 0, deleted: 0, renamed: 0 };
  let added = 0;
  let deleted = 0;
  let isCounted = false;
  for await (const { change, lines } of changes) {
    if (isTable(change) && lines !== UNKNOWN) continue;
    totals[change.change]++;
    isCounted ||= lines.added !== null;
    added += lines.added ?? 0;
    deleted += lines.deleted ?? 0;
    const isDirectory = (change.after ?? change.before)?.type === 'directory';
    const path = `${printable(change.path)}${isDirectory ? '/' : ''}`;
    const name = change.oldPath === undefined ? path : `${printable(change.oldPath)} -> ${path}`;
    yield `${paint(COLOURS[change.change], LETTERS[change.change])}  ${name}${linesText(lines)}\n`;
  }
  for (const { change } of objects) totals[change]++;
  yield* objectLines(objects, session);
  const parts = Object.entries(totals).flatMap(([kind, count]) =>
    count === 0 ? [] : `${formatCount(count)} ${kind}`,
  );
  yield* tableLines(tables, session);
  if (parts.length === 0 && tables.length === 0) yield 'Nothing changed.\n';
  const lines = isCounted ? `; ${counted(added, 'line')} added, ${formatCount(deleted)} deleted` : '';
  if (parts.length > 0) yield `${parts.join(', ')}${lines}\n`;
}

function linesText({ binary, added, deleted }: LineCounts): string {
  if (binary) return '  (binary)';
  const parts = [
    ...(added ? [`+${formatCount(added)}`] : []),
    ...(deleted ? [`-${formatCount(deleted)}`] : []),
  ];
  return parts.length === 0 ? '' : `  ${parts.join(' ')}`;
}

function nameOf(record: BackupRecord | undefined): string | undefined {
  if (record === undefined) return undefined;
  const label = record.label === undefined ? '' : ` “${plainText(record.label)}”`;
  return `${shortId(record.id)}${label}`;
}
