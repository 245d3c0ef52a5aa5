import type { Cell } from '../core/compare/rows-cell.ts';
import type { OpenDatabase } from '../core/compare/rows-open.ts';
import type { RowPage } from '../core/compare/rows.ts';
import type { ShownRow } from '../core/compare/rows-shown.ts';
import type { TableComparison } from '../core/compare/rows-table.ts';
import type { Problem } from '../core/problem.ts';
import type { Task } from '../core/task.ts';
import { type Comparison, databasesOf } from './diff-sides.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatBytes, formatCount } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { UsageError } from './usage.ts';

/** Rows read at once. */
const PAGE_ROWS = 1000;
/** A text that is longer is cut where people look at it. */
const SHOWN_CHARACTERS = 120;

/** Rows of one table that differ: what `--rows` prints. */
export async function showRows(
  comparison: Comparison,
  wanted: string,
  limit: number,
  report: (problem: Problem) => void,
  session: Session,
): Promise<Outcome> {
  const { openDatabase } = await import('../core/compare/rows-open.ts');
  const { compareTable, tablesNamed } = await import('../core/compare/rows.ts');
  const { opened, from, to } = comparison;
  const { task } = session;
  const [name, tableName] = splitName(wanted, comparison);
  const selection = { from, to: databasesOf(comparison), paths: [] };
  const sides = { from: from?.id ?? null, to: to?.id ?? 'workspace', database: name, table: tableName };
  const problems: Problem[] = [];
  const told = (problem: Problem): void => {
    problems.push(problem);
    report(problem);
  };
  await using database = await openDatabase(opened.vault, selection, name, told, task);
  if (problems.length > 0)
    return { json: { ...sides, columns: [], key: [], rows: [], complete: false }, text: '' };
  if (database === undefined) throw unclear(name, tableName, []);
  const tables = tablesNamed(database, tableName);
  const [path] = tables;
  if (path === undefined || tables.length > 1) throw unclear(name, tableName, tables);
  const table = compareTable(database, path);
  if (session.options.json === true)
    return { json: { ...sides, ...(await rowsJson(database, table, limit, task)) } };
  // The database is open until this function returns.
  const lines: string[] = [];
  for await (const line of rowLines(database, table, limit, session)) lines.push(line);
  return { json: undefined, text: lines.join('') };
}

/** A database’s name may have dots of its own. */
function splitName(wanted: string, { from, to, opened }: Comparison): [database: string, table: string] {
  const names = [from, to].flatMap((record) =>
    (record?.sources ?? []).filter(({ type }) => type === 'database').map(({ name }) => name),
  );
  const live = opened.placed.flatMap(({ set }) => set.databases.map(({ name }) => name));
  const fitting = [...names, ...live].filter((name) => wanted.startsWith(`${name}.`));
  const [longest] = fitting.sort((a, b) => b.length - a.length);
  if (longest !== undefined) return [longest, wanted.slice(longest.length + 1)];
  const known = [...new Set([...names, ...live])].map(plainText).join(', ') || 'none';
  throw new UsageError(
    `--rows wants DATABASE.TABLE, and “${plainText(wanted)}” names no database that is compared.`,
    `Databases: ${known}.`,
  );
}

function unclear(database: string, table: string, found: readonly string[]): UsageError {
  const names = found.map((path) => plainText(path.slice('tables/'.length))).join(', ');
  return found.length === 0
    ? new UsageError(
        `database “${plainText(database)}” has no table “${plainText(table)}” on either side.`,
        '“crm-backup diff” lists the tables that differ, “crm-backup ls BACKUP databases” all there are.',
      )
    : new UsageError(
        `database “${plainText(database)}” has several tables “${plainText(table)}”: ${names}.`,
        'Name the schema, too.',
      );
}

async function* pages(
  database: OpenDatabase,
  table: TableComparison,
  limit: number,
  task: Task,
  mostCharacters?: number,
): AsyncGenerator<RowPage> {
  const { readRowPage } = await import('../core/compare/rows.ts');
  let left = limit;
  for (let from: string | undefined; ;) {
    const request = { from, limit: Math.min(left, PAGE_ROWS), mostCharacters };
    const page = await readRowPage(database, table, request, task);
    yield page;
    left -= page.rows.length;
    if (page.next === null || left <= 0) return;
    from = page.next;
  }
}

async function rowsJson(
  database: OpenDatabase,
  table: TableComparison,
  limit: number,
  task: Task,
): Promise<Record<string, unknown>> {
  const rows: ShownRow[] = [];
  let last: RowPage | undefined;
  for await (const page of pages(database, table, limit, task)) {
    last = page;
    rows.push(...page.rows);
  }
  const { columns = [], key = [], schemaChanged = false, next = null } = last ?? {};
  const named = (side: 'before' | 'after'): string[] =>
    columns.filter(({ on }) => on === side).map(({ name }) => name);
  return {
    columns: columns.map(({ name }) => name),
    types: columns.map(({ type }) => type),
    key,
    schemaChanged,
    addedColumns: named('after'),
    removedColumns: named('before'),
    rows,
    complete: next === null,
  };
}

const SIGNS = { added: '+', changed: '~', deleted: '-' } as const;
const COLOURS = { added: 'green', changed: 'yellow', deleted: 'red' } as const;

async function* rowLines(
  database: OpenDatabase,
  table: TableComparison,
  limit: number,
  { paint, task }: Session,
): AsyncGenerator<string> {
  const counts = { added: 0, changed: 0, deleted: 0 };
  let last: RowPage | undefined;
  for await (const page of pages(database, table, limit, task, SHOWN_CHARACTERS)) {
    if (last === undefined && page.schemaChanged) yield structureLine(page);
    last = page;
    for (const row of page.rows) {
      counts[row.change]++;
      yield `${paint(COLOURS[row.change], SIGNS[row.change])} ${rowText(row, page)}\n`;
    }
  }
  if (counts.added + counts.changed + counts.deleted === 0) yield 'No row differs.\n';
  else {
    yield `${counted(counts.added, 'row')} added, ${formatCount(counts.changed)} changed, ${formatCount(counts.deleted)} deleted`;
    yield last?.next === null ? '\n' : '; there are more\n';
  }
}

function structureLine({ columns }: RowPage): string {
  const parts = columns.flatMap(({ name, on }) =>
    on === 'both' ? [] : `${on === 'after' ? 'new' : 'gone'} column ${printable(name)}`,
  );
  return `The structure changed${parts.length === 0 ? '' : `: ${parts.join(', ')}`}.\n`;
}

/** The key, then what a changed row had and has, or all values of any other. */
function rowText({ change, key, before, after }: ShownRow, page: RowPage): string {
  const named = page.key.map((name, at) => `${printable(name)}=${cellText(key[at] ?? null)}`).join(' ');
  const parts = page.columns.flatMap(({ name, on }, at) => {
    if (page.key.includes(name)) return [];
    const old = before?.[at] ?? null;
    const fresh = after?.[at] ?? null;
    if (change !== 'changed') {
      const isThere = on === 'both' || on === (change === 'added' ? 'after' : 'before');
      return isThere ? [`${printable(name)}=${cellText(fresh ?? old)}`] : [];
    }
    if (isSameCell(old, fresh)) return [];
    return [`${printable(name)}: ${cellText(old)} -> ${cellText(fresh)}`];
  });
  // In SQLite 2 and '2' are not the same.
  if (change === 'changed' && parts.length === 0) parts.push('a value of another type');
  return [named, parts.join(', ')].filter((part) => part !== '').join('  ');
}

function isSameCell(a: Cell, b: Cell): boolean {
  if (typeof a === 'string' || typeof b === 'string' || a === null || b === null) return a === b;
  return a.sha256 === b.sha256;
}

function cellText(cell: Cell): string {
  if (cell === null) return 'NULL';
  if (typeof cell === 'string') return plainText(JSON.stringify(cell));
  const { text, bytes, sha256 } = cell;
  if (text === undefined) return `(${formatBytes(bytes)}, sha256 ${sha256.slice(0, 12)})`;
  return `${plainText(JSON.stringify(text.slice(0, SHOWN_CHARACTERS)))}… (${formatBytes(bytes)})`;
}
