import type { DatabaseInfo } from '../database/engine.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { comparePaths } from '../vault/order.ts';
import {
  headOf,
  type RowFilter,
  rowShower,
  type ShownHead,
  type ShownRow,
  textFinder,
} from './rows-shown.ts';
import type { DatabaseSide } from './rows-side.ts';
import { SqliteComparison } from './rows-sqlite.ts';
import type { SqlitePair } from './rows-sqlite-pair.ts';
import { compareLines, type RowCounts, type TableComparison } from './rows-table.ts';

/** A table whose rows or structure differ. */
export interface TableSummary extends RowCounts {
  readonly database: string;
  /** As people call it: without the schema where it is the usual one. */
  readonly table: string;
  /** Below the database: `tables/<schema>.<table>`. */
  readonly path: string;
  readonly change: 'added' | 'modified' | 'deleted';
  /** Whether columns, their types or the key differ; true for a table that came or went. */
  readonly schemaChanged: boolean;
}

/** Some rows of a table that differ. */
export interface RowPage extends ShownHead {
  readonly rows: readonly ShownRow[];
  /** To ask for the following rows; null when there are no more. */
  readonly next: string | null;
}

/** Which rows are wanted. */
export interface RowPageRequest extends RowFilter {
  /** What the page before has as `next`; undefined begins with the first row. */
  readonly from?: string | undefined;
  /** At most so many rows. */
  readonly limit: number;
  /** Longer texts are cut; by default none is. */
  readonly mostCharacters?: number | undefined;
}

/** Two versions of a database. At least one of them is there. */
export interface ComparedDatabase {
  readonly name: string;
  readonly before: DatabaseSide | undefined;
  readonly after: DatabaseSide | undefined;
  /** Both laid out for SQLite; made by the first who asks, and gone with the database. */
  readonly sqlite: () => Promise<SqlitePair>;
}

/** The tables of both versions whose rows can be compared, in manifest order. */
export function comparedTables({ before, after }: ComparedDatabase): string[] {
  const paths = new Set([...(before?.tables.keys() ?? []), ...(after?.tables.keys() ?? [])]);
  const isOwn = (path: string): boolean =>
    [before, after].every((side) => side?.tables.get(path)?.table.details?.['internal'] !== true);
  return [...paths].filter(isOwn).sort(comparePaths);
}

/**
 * Tells of every table that differs how many rows came, changed and went. What both versions have in common is not read.
 * @param tables paths of the only tables to look at
 * @throws {VaultError} `damaged`, `missing-chunk`; {DatabaseError}; {CancelledError}
 */
export async function* summarizeTables(
  database: ComparedDatabase,
  tables: readonly string[],
  task: Task,
): AsyncGenerator<TableSummary> {
  for (const [done, path] of tables.entries()) {
    throwIfCancelled(task);
    task.progress?.({ phase: 'rows', done, total: tables.length, unit: 'rows' });
    const comparison = compareTable(database, path);
    const { before, after, layout } = comparison;
    if (!layout.schemaChanged && isUntouched(comparison)) continue;
    const counts = await comparison.counts(task);
    const { added, changed, deleted } = counts;
    if (!layout.schemaChanged && added + changed + deleted === 0) continue;
    yield {
      database: database.name,
      table: nameOf(comparison, (database.after ?? database.before)!.info),
      path,
      change: before === undefined ? 'added' : after === undefined ? 'deleted' : 'modified',
      ...counts,
      schemaChanged: layout.schemaChanged,
    };
  }
}

/** Comparisons that were begun: what they have in common is found once. */
const begun = new WeakMap<ComparedDatabase, Map<string, TableComparison>>();

/** Two versions of one table, to look at its rows; the same one each time. */
export function compareTable(database: ComparedDatabase, path: string): TableComparison {
  const known = begun.get(database) ?? new Map<string, TableComparison>();
  begun.set(database, known);
  const { before, after, sqlite } = database;
  const isInPages = [before, after].some((side) => side?.tables.get(path)?.table.storedIn !== undefined);
  const comparison =
    known.get(path) ??
    (isInPages ? new SqliteComparison(path, before, after, sqlite) : compareLines(path, { before, after }));
  known.set(path, comparison);
  return comparison;
}

/**
 * Reads some of the rows that differ.
 * @throws {VaultError} `damaged`, `missing-chunk`; {DatabaseError} `changed-while-reading` for a `from` of another
 * comparison …; {CancelledError}
 */
export async function readRowPage(
  database: ComparedDatabase,
  comparison: TableComparison,
  request: RowPageRequest,
  task: Task,
): Promise<RowPage> {
  const show = rowShower(database, comparison, request.mostCharacters ?? Infinity);
  const mentions =
    request.contains === undefined ? () => true : textFinder(database, comparison, request.contains);
  const rows: ShownRow[] = [];
  for await (const change of comparison.changes(request.from, task)) {
    if (request.changes?.includes(change.change) === false || !mentions(change)) continue;
    rows.push(show(change));
    if (rows.length >= request.limit) return { ...headOf(comparison), rows, next: change.next() };
  }
  return { ...headOf(comparison), rows, next: null };
}

/** Whether nothing of it has to be looked at to know that its rows are the same. */
function isUntouched({ before, after }: TableComparison): boolean {
  if (before === undefined || after === undefined) return false;
  if (before.table.storedIn === undefined && after.table.storedIn === undefined)
    return before.chunks.equals(after.chunks);
  return before.table.checksum === after.table.checksum && before.table.rows === after.table.rows;
}

/** The usual schemas go without saying. */
function nameOf({ before, after }: TableComparison, { engine, database }: DatabaseInfo): string {
  const { schema, name } = (after ?? before)!.table;
  const usual = { postgresql: 'public', sqlite: 'main', mysql: database }[engine];
  return schema === usual ? name : `${schema}.${name}`;
}

/** Tables that somebody may mean by a name: `customer`, `crm.customer`. */
export function tablesNamed(database: ComparedDatabase, name: string): string[] {
  const paths = comparedTables(database);
  const info = (database.after ?? database.before)!.info;
  const usual = paths.filter((path) => nameOf(compareTable(database, path), info) === name);
  if (usual.length > 0) return usual;
  return paths.filter((path) => {
    const { schema, name: table } = (database.after?.tables.get(path) ?? database.before?.tables.get(path))!
      .table;
    return `${schema}.${table}` === name || table === name;
  });
}
