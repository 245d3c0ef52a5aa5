import { setImmediate as turn } from 'node:timers/promises';
import { sqliteFailure } from '../database/sqlite/failure.ts';
import {
  columnOf,
  differs,
  type ReadValue,
  signature,
  sqliteLiteral,
  valueColumns,
} from '../database/sqlite/literal.ts';
import { quoted } from '../database/sqlite/open.ts';
import type { Connection } from '../database/sqlite/runtime.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { pairColumns, type RowLayout } from './rows-layout.ts';
import type { Field } from '../database/line.ts';
import type { RowChangeKind } from './rows-merge.ts';
import type { DatabaseSide, TableSide } from './rows-side.ts';
import { type FoundRows, SCHEMAS, type Side, type SqlitePair } from './rows-sqlite-pair.ts';
import {
  type RowChange,
  type RowCounts,
  type RowPlace,
  type TableComparison,
  unknownPlace,
} from './rows-table.ts';

const ROWS_A_TURN = 256;

/** Compares two versions of a table of SQLite. One of the two must be there. */
export class SqliteComparison implements TableComparison {
  readonly path: string;
  readonly before: TableSide | undefined;
  readonly after: TableSide | undefined;
  readonly layout: RowLayout;
  readonly isSeekable = true;
  readonly #pair: () => Promise<SqlitePair>;

  constructor(
    path: string,
    before: DatabaseSide | undefined,
    after: DatabaseSide | undefined,
    pair: () => Promise<SqlitePair>,
  ) {
    this.path = path;
    this.before = before?.tables.get(path);
    this.after = after?.tables.get(path);
    this.layout = pairColumns(this.before?.table, this.after?.table);
    this.#pair = pair;
  }

  /** What differs is numbered. */
  readonly locate = async (row: number): Promise<RowPlace> => Promise.resolve({ from: String(row), row });

  async counts(task: Task): Promise<RowCounts> {
    if (this.before === undefined || this.after === undefined) {
      return { added: this.after?.table.rows ?? 0, changed: 0, deleted: this.before?.table.rows ?? 0 };
    }
    throwIfCancelled(task);
    const { connection, found } = await this.#compared();
    const counts = { added: 0, changed: 0, deleted: 0 };
    const rows = connection
      .prepare(`SELECT change, count(*) AS many FROM ${found.table} GROUP BY change`)
      .all();
    for (const { change, many } of rows as unknown as { change: RowChangeKind; many: number }[])
      counts[change] = many;
    return counts;
  }

  async *changes(from: string | undefined, task: Task): AsyncGenerator<RowChange> {
    const start = Number(/^\d+$/.exec(from ?? '0')?.[0] ?? NaN);
    if (Number.isNaN(start)) throw unknownPlace();
    throwIfCancelled(task);
    const { connection, encoding, found } = await this.#compared();
    const sides = (['before', 'after'] as const).filter((side) => this[side] !== undefined);
    const select = sides.flatMap((side) =>
      columnNames(this[side]).map((name) => valueColumns(columnOf(SCHEMAS[side], name))),
    );
    const statement = connection.prepare(
      `SELECT f.number, f.change, ${select.join(', ')} FROM ${found.table} AS f ${sides.map((side) => this.#located(side, found)).join(' ')}
       WHERE f.number > ? ORDER BY f.number`,
    );
    statement.setReturnArrays(true);
    statement.setReadBigInts(false);
    let rows = 0;
    for (const row of statement.iterate(start) as Iterable<unknown> as Iterable<unknown[]>) {
      if (++rows % ROWS_A_TURN === 0) await turn();
      throwIfCancelled(task);
      const [number, change] = row as [number, RowChangeKind];
      let at = 2;
      const fields: Record<Side, Field[] | undefined> = { before: undefined, after: undefined };
      for (const side of sides) {
        const values = columnNames(this[side]).map(() => {
          const literal = sqliteLiteral(row.slice(at, (at += 2)) as unknown as ReadValue, encoding);
          return literal === null ? null : Buffer.from(literal);
        });
        if (change !== (side === 'before' ? 'added' : 'deleted')) fields[side] = values;
      }
      yield { change, before: fields.before, after: fields.after, next: () => String(number) };
    }
  }

  async #compared(): Promise<{ connection: Connection; encoding: string; found: FoundRows }> {
    const pair = await this.#pair();
    const { connection, encoding } = pair;
    try {
      const found = pair.found(this.path, (table) => this.#compare(connection, table));
      return { connection, encoding, found };
    } catch (error) {
      throw sqliteFailure(`The copy of “${this.path}”`, 'compared', error);
    }
  }

  #compare(connection: Connection, table: string): Omit<FoundRows, 'table'> {
    const key = this.#keyNames(connection);
    const locators = {
      before: this.#locator('before', connection),
      after: this.#locator('after', connection),
    };
    const places = Array.from({ length: Math.max(1, key.length) }, (_, at) => `k${at}`);
    connection.exec(`CREATE TABLE ${table} (number INTEGER PRIMARY KEY, change, ${places.join(', ')})`);
    const insert = `INSERT INTO ${table} (change, ${places.join(', ')})`;
    if (this.before === undefined || this.after === undefined) {
      const side = this.before === undefined ? 'after' : 'before';
      const what = key.length > 0 ? key.map((name) => quoted(name)) : [locators[side]];
      connection.exec(
        `${insert} SELECT '${side === 'after' ? 'added' : 'deleted'}', ${what.join(', ')}
         FROM ${this.#table(side)} AS ${SCHEMAS[side]} ORDER BY ${what.join(', ')}`,
      );
    } else if (key.length > 0) connection.exec(`${insert} ${this.#keyedQuery(key)}`);
    else connection.exec(`${insert} ${this.#multisetQuery(locators)}`);
    return { key, locators };
  }

  #keyedQuery(key: readonly string[]): string {
    const keyOf = (side: 'old' | 'new'): string => key.map((name) => columnOf(side, name)).join(', ');
    const same = key.map((name) => `${columnOf('old', name)} = ${columnOf('new', name)}`).join(' AND ');
    const gone = `${columnOf('new', key[0]!)} IS NULL`;
    // A column that only one side has is NULL on the other.
    const changed = this.layout.columns.map(({ name, before, after }) =>
      before !== undefined && after !== undefined
        ? differs(columnOf('old', name), columnOf('new', name))
        : `${columnOf(before === undefined ? 'new' : 'old', name)} IS NOT NULL`,
    );
    const order = key.map((_, at) => String(at + 2)).join(', ');
    return `SELECT CASE WHEN ${gone} THEN 'deleted' ELSE 'changed' END, ${keyOf('old')}
      FROM ${this.#table('before')} AS old LEFT JOIN ${this.#table('after')} AS new ON ${same}
      WHERE ${[gone, ...changed].join(' OR ')}
      UNION ALL SELECT 'added', ${keyOf('new')} FROM ${this.#table('after')} AS new
      WHERE NOT EXISTS (SELECT 1 FROM ${this.#table('before')} AS old WHERE ${same}) ORDER BY ${order}`;
  }

  #multisetQuery(locators: FoundRows['locators']): string {
    const counted = (side: Side): string => {
      const schema = SCHEMAS[side];
      const content = signatureOf(schema, this.#commonNames);
      return `SELECT ${content} AS content, count(*) AS many, min(${locators[side]}) AS place
        FROM ${this.#table(side)} AS ${schema} GROUP BY 1`;
    };
    const more = (one: string, other: string, change: RowChangeKind): string =>
      `SELECT '${change}' AS change, ${one}.place AS place, ${one}.many - coalesce(${other}.many, 0) AS many
        FROM ${one} LEFT JOIN ${other} ON ${one}.content = ${other}.content
        WHERE ${one}.many > coalesce(${other}.many, 0)`;
    return `WITH RECURSIVE o AS MATERIALIZED (${counted('before')}), n AS MATERIALIZED (${counted('after')}),
      d AS (${more('o', 'n', 'deleted')} UNION ALL ${more('n', 'o', 'added')}),
      each (change, place, rest) AS (SELECT change, place, many FROM d
        UNION ALL SELECT change, place, rest - 1 FROM each WHERE rest > 1)
      SELECT change, place FROM each ORDER BY change DESC, place`;
  }

  /** How a row of what was found is joined with its content on a side. */
  #located(side: Side, { key, locators }: FoundRows): string {
    const schema = SCHEMAS[side];
    const condition =
      key.length > 0
        ? key.map((name, at) => `${columnOf(schema, name)} = f.k${at}`)
        : [`${locators[side]} = f.k0`, `f.change = '${side === 'before' ? 'deleted' : 'added'}'`];
    return `LEFT JOIN ${this.#table(side)} AS ${schema} ON ${condition.join(' AND ')}`;
  }

  /** The key rows are joined by. SQLite lets NULL into most keys, and such rows have none. */
  #keyNames(connection: Connection): readonly string[] {
    const side = this.after === undefined ? 'before' : 'after';
    const names = this.layout.key.map((part) => this[side]!.table.columns[part[side]]!.name);
    const nulls = names.map((name) => `${quoted(name)} IS NULL`).join(' OR ');
    const hasNull = (['before', 'after'] as const).some(
      (each) =>
        this[each] !== undefined &&
        names.length > 0 &&
        connection.prepare(`SELECT 1 FROM ${this.#table(each)} WHERE ${nulls} LIMIT 1`).get() !== undefined,
    );
    return hasNull ? [] : names;
  }

  get #commonNames(): string[] {
    return this.layout.columns
      .filter(({ before, after }) => before !== undefined && after !== undefined)
      .map(({ name }) => name);
  }

  #locator(side: Side, connection: Connection): string {
    const table = this[side]?.table;
    if (table === undefined) return 'NULL';
    const schema = SCHEMAS[side];
    const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()));
    const rowid = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
    const hasNone = connection
      .prepare('SELECT 1 FROM pragma_table_list WHERE schema = ? AND name = ? AND wr = 1')
      .get(schema, table.name);
    return rowid === undefined || hasNone !== undefined
      ? signatureOf(schema, columnNames(this[side]))
      : `${schema}.${rowid}`;
  }

  #table(side: Side): string {
    return `${SCHEMAS[side]}.${quoted(this[side]!.table.name)}`;
  }
}

function columnNames(side: TableSide | undefined): string[] {
  return side?.table.columns.map(({ name }) => name) ?? [];
}

function signatureOf(schema: string, names: readonly string[]): string {
  return names.map((name) => signature(columnOf(schema, name))).join(" || ',' || ") || "''";
}
