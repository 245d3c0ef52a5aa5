import { type Task, throwIfCancelled } from '../../task.ts';
import type {
  DatabaseAddress,
  Reference,
  ReferenceAction,
  RowEdit,
  RowEditor,
  TableHead,
} from '../engine.ts';
import { DatabaseError } from '../error.ts';
import type { Field } from '../line.ts';
import { sqliteFile } from './address.ts';
import { sqliteCode, sqliteFailure } from './failure.ts';
import { columnOf, type ReadValue, sqliteLiteral, valueColumns } from './literal.ts';
import { openToWrite, quoted } from './open.ts';
import type { Connection } from './runtime.ts';
import { columnsOf } from './tables.ts';

const ACTIONS: Readonly<Record<string, ReferenceAction>> = {
  CASCADE: 'follow',
  'SET NULL': 'clear',
  'SET DEFAULT': 'clear',
};
/**
 * Of tables with constraints that delete or leave out rows rather than fail (`ON CONFLICT REPLACE` …). Only their
 * statements say what is to happen: it would go for those of triggers, too.
 */
const SOLVES_CONFLICTS = 'solvesConflicts';
const CONSTRAINT = 19;
/** Extended codes of keys, which may be free once other rows are gone: primary key, unique, rowid. */
const MAY_PASS_LATER = [1555, 2067, 2579];

/** Opens a database to change single rows; see {@link RowEditor}. */
export async function editRows(address: DatabaseAddress, task: Task): Promise<RowEditor> {
  throwIfCancelled(task);
  const file = sqliteFile(address);
  const connection = openToWrite(file);
  const clean = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw constraintOf(error) ?? sqliteFailure(file, 'changed', error);
    }
  };
  try {
    // Foreign keys are checked at the end, all together.
    clean(() => connection.exec('PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON'));
  } catch (error) {
    connection.close();
    throw error;
  }
  const encoding = String(Object.values(connection.prepare('PRAGMA encoding').get() ?? {})[0]);
  // The transaction keeps all others from writing.
  const lockAll = async (table: TableHead, more: string): Promise<Field[][]> =>
    Promise.resolve(clean(() => read(connection, table, more, encoding)));
  return Promise.resolve({
    table: async (_schema, name) => Promise.resolve(clean(() => tableNamed(connection, name))),
    lock: async (table, key) => (await lockAll(table, `WHERE ${condition('t', table, key)} LIMIT 1`))[0],
    referring: async (reference, to, row, most) => {
      const key = to.key.map((place) => row[place] ?? null);
      const where = [condition('p', to, key), ...matches(reference, to)].join(' AND ');
      return lockAll(reference.table!, `, main.${quoted(to.name)} AS p WHERE ${where} LIMIT ${most}`);
    },
    references: async (table) => Promise.resolve(clean(() => readReferences(connection, table))),
    statement: rowStatement,
    run: async (sql) => {
      try {
        connection.exec(sql);
      } catch (error) {
        const refused = constraintOf(error);
        if (refused !== undefined && MAY_PASS_LATER.includes(extendedCode(error)))
          return Promise.resolve(refused);
        throw refused ?? sqliteFailure(file, 'changed', error);
      }
      return Promise.resolve(undefined);
    },
    commit: async () => {
      clean(() => connection.exec('COMMIT'));
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      return Promise.resolve();
    },
  });
}

function tableNamed(connection: Connection, name: string): TableHead | undefined {
  const found = connection
    .prepare(
      `SELECT s.sql FROM pragma_table_list AS t JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = t.name
        WHERE t.schema = 'main' AND t.type = 'table' AND t.name = ?`,
    )
    .get(name);
  if (found === undefined) return undefined;
  const details = /\bON\s+CONFLICT\b/i.test(String(found['sql'])) ? { [SOLVES_CONFLICTS]: true } : {};
  return { schema: 'main', name, ...columnsOf(connection, name), details };
}

/** @param more what follows the table, which is `t` */
function read(connection: Connection, table: TableHead, more: string, encoding: string): Field[][] {
  const columns = table.columns.map(({ name }) => valueColumns(columnOf('t', name))).join(', ');
  const statement = connection.prepare(`SELECT ${columns} FROM main.${quoted(table.name)} AS t ${more}`);
  statement.setReturnArrays(true);
  const rows = statement.all() as unknown as unknown[][];
  return rows.map((row) =>
    table.columns.map((_, at) => {
      const literal = sqliteLiteral(row.slice(at * 2, at * 2 + 2) as unknown as ReadValue, encoding);
      return literal === null ? null : Buffer.from(literal);
    }),
  );
}

/** The foreign keys that refer to a table. Names of tables and columns are the same in any case. */
function readReferences(connection: Connection, table: TableHead): Reference[] {
  const rows = connection
    .prepare(
      `SELECT m.name, f.id, f."from", f."to", f.on_delete, f.on_update
        FROM pragma_table_list AS m JOIN pragma_foreign_key_list(m.name) AS f
        WHERE m.schema = 'main' AND m.type = 'table' AND f."table" = ? COLLATE NOCASE
        ORDER BY m.name, f.id, f.seq`,
    )
    .all(table.name) as unknown as readonly {
    readonly name: string;
    readonly id: number;
    readonly from: string;
    readonly to: string | null;
    readonly on_delete: string;
    readonly on_update: string;
  }[];
  const found = new Map<string, Reference & { readonly columns: number[]; readonly referenced: number[] }>();
  const placeOf = (head: TableHead | undefined, wanted: string): number =>
    head?.columns.findIndex(({ name }) => name.toLowerCase() === wanted.toLowerCase()) ?? -1;
  for (const { name, id, from, to, on_delete: onDelete, on_update: onUpdate } of rows) {
    const reference = found.get(`${id} ${name}`) ?? {
      table: tableNamed(connection, name),
      name,
      columns: [],
      referenced: [],
      onDelete: ACTIONS[onDelete] ?? 'refuse',
      onUpdate: ACTIONS[onUpdate] ?? 'refuse',
    };
    // Without a column it is the primary key that is meant.
    const place = to === null ? (table.key[reference.columns.length] ?? -1) : placeOf(table, to);
    reference.columns.push(placeOf(reference.table, from));
    reference.referenced.push(place);
    found.set(`${id} ${name}`, reference);
  }
  return [...found.values()];
}

/** SQLite compares by the collation of the column that is referred to: it has to stand first. */
function matches({ table, columns, referenced }: Reference, to: TableHead): string[] {
  return columns.map((column, at) => {
    const own = columnOf('t', table!.columns[column]!.name);
    return `${columnOf('p', to.columns[referenced[at]!]!.name)} = ${own}`;
  });
}

/** What changes one row; see `DatabaseEngine.rowStatement`. */
export function rowStatement({ change, table, key, values }: RowEdit): string {
  const place = quoted(table.name);
  const where = change === 'insert' ? '' : condition(undefined, table, key);
  if (change === 'delete') return `DELETE FROM ${place} WHERE ${where}`;
  const or = table.details?.[SOLVES_CONFLICTS] === true ? 'OR ABORT ' : '';
  const columns = [...values].map(([at, field]) => ({
    name: quoted(table.columns[at]!.name),
    value: valueOf(field),
  }));
  if (change === 'update') {
    return `UPDATE ${or}${place} SET ${columns.map(({ name, value }) => `${name} = ${value}`).join(', ')} WHERE ${where}`;
  }
  const names = columns.map(({ name }) => name).join(', ');
  return `INSERT ${or}INTO ${place} (${names}) VALUES (${columns.map(({ value }) => value).join(', ')})`;
}

/** What a row with a key fulfils. @param alias of its table, if it has one */
function condition(alias: string | undefined, table: TableHead, key: readonly Field[]): string {
  return table.key
    .map((column, at) => {
      const { name } = table.columns[column]!;
      return `${alias === undefined ? quoted(name) : columnOf(alias, name)} = ${valueOf(key[at] ?? null)}`;
    })
    .join(' AND ');
}

function valueOf(field: Field): string {
  return field === null ? 'NULL' : field.toString();
}

function extendedCode(error: unknown): number {
  return error instanceof Error ? Number((error as { errcode?: unknown }).errcode) : 0;
}

function constraintOf(error: unknown): DatabaseError | undefined {
  if (sqliteCode(error) !== CONSTRAINT) return undefined;
  return new DatabaseError('constraint', 'A key or another constraint of the database forbids it.', {
    hint: 'Restore the rows they refer to, or that refer to them, together with them.',
    cause: error,
  });
}
