import type { DumpedColumn, TableExtra } from '../engine.ts';
import { quoted } from './open.ts';
import type { Connection } from './runtime.ts';

/** The entry that holds a database’s pages, below `databases/<name>/`. */
export const PAGES = 'database.sqlite';

/** What stands in the schema of a database. */
interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string | null;
}

/** CRC-32 of every page of a database, in order. */
export interface PageSums {
  readonly sums: Uint32Array;
}

/**
 * The tables of a database with their row counts, and checksums made of the pages that hold their rows. Virtual tables
 * have none; the tables they keep their data in are tables like others.
 */
export function listTables(connection: Connection, pages: PageSums): TableExtra[] {
  const contents = contentsOf(connection, pages);
  return tableNames(connection).map(({ name, isWithoutRowid, isInternal }) => {
    const { columns, key } = columnsOf(connection, name);
    const content = contents(name, isWithoutRowid);
    const details = isInternal ? { details: { internal: true } } : {};
    return { schema: 'main', name, columns, key, ...details, ...content, storedIn: PAGES };
  });
}

/** How many objects there are of each type. */
export function countObjects(connection: Connection): Record<string, number> {
  const counts: Record<string, number> = {};
  const statement = connection.prepare(
    'SELECT type, count(*) AS many FROM sqlite_schema WHERE sql IS NOT NULL GROUP BY type ORDER BY type',
  );
  for (const { type, many } of statement.iterate() as Iterable<{ type: string; many: number }>)
    counts[type] = many;
  return counts;
}

/** The statements that make all objects: tables, then indexes, views and triggers, each sorted by name. */
export function schemaText(connection: Connection): string {
  const order = ['table', 'index', 'view', 'trigger'];
  const objects = connection
    .prepare('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name')
    .all() as unknown as SchemaObject[];
  objects.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
  return objects.map(({ sql }) => `${sql};\n`).join('\n');
}

interface NamedTable {
  readonly name: string;
  readonly isWithoutRowid: boolean;
  /** Whether a virtual table keeps its data in it. */
  readonly isInternal: boolean;
}

function tableNames(connection: Connection): NamedTable[] {
  const rows = connection
    .prepare(
      `SELECT name, type, wr FROM pragma_table_list
       WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
    )
    .all() as unknown as { name: string; type: string; wr: number }[];
  return rows.map(({ name, type, wr }) => ({
    name,
    isWithoutRowid: wr === 1,
    isInternal: type === 'shadow',
  }));
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  /** 2 and 3 are generated columns. */
  readonly hidden: number;
}

/** The columns of a table that are stored, and which of them are its key. */
export function columnsOf(connection: Connection, table: string): { columns: DumpedColumn[]; key: number[] } {
  const rows = connection
    .prepare(`SELECT name, type, pk, hidden FROM pragma_table_xinfo(?, 'main')`)
    .all(table) as unknown as ColumnRow[];
  const stored = rows.filter(({ hidden }) => hidden === 0);
  const key = stored
    .map(({ pk }, column) => ({ pk, column }))
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map(({ column }) => column);
  return { columns: stored.map(({ name, type }) => ({ name, type })), key };
}

type Content = Pick<TableExtra, 'rows' | 'checksum'>;

function contentsOf(
  connection: Connection,
  { sums }: PageSums,
): (table: string, isWithoutRowid: boolean) => Content {
  const statement = prepareStatistics(connection);
  return (table, isWithoutRowid) => {
    let rows = 0;
    let sum = 0x811c9dc5;
    if (statement === undefined) {
      const all = connection.prepare(`SELECT count(*) AS many FROM main.${quoted(table)}`).get();
      rows = all?.['many'] as number;
      for (const page of sums) sum = Math.imul(sum ^ page, 0x01000193);
    } else {
      for (const page of statement.iterate(table) as Iterable<unknown> as Iterable<
        [number, string, number]
      >) {
        const [number, type, cells] = page;
        // Inner pages of a table with rowids hold nothing but numbers of other pages.
        if (type === 'internal' && !isWithoutRowid) continue;
        if (type !== 'overflow') rows += cells;
        sum = Math.imul(sum ^ sums[number - 1]!, 0x01000193);
      }
    }
    return { rows, checksum: `pages:${(sum >>> 0).toString(16).padStart(8, '0')}` };
  };
}

/** Pages of a table in the order of its tree, if this SQLite can tell them. */
function prepareStatistics(connection: Connection): ReturnType<Connection['prepare']> | undefined {
  try {
    const statement = connection.prepare(
      'SELECT pageno, pagetype, ncell FROM dbstat WHERE name = ? ORDER BY path',
    );
    statement.setReturnArrays(true);
    return statement;
  } catch {
    return undefined;
  }
}
