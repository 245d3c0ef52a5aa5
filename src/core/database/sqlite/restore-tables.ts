import { openToRead, openToWrite, pragma, quoted } from './open.ts';
import type { Connection } from './runtime.ts';

/**
 * Replaces single tables of a live database by those of another file: columns, rows, indexes and triggers, in one
 * transaction. Triggers do not fire and foreign keys are not enforced meanwhile. Throws SQLite’s own errors; then
 * nothing has changed.
 */
export function replaceTables(live: string, stored: string, tables: readonly string[]): void {
  const connection = openToWrite(live);
  try {
    connection.prepare('ATTACH ? AS stored').run(stored);
    connection.exec('BEGIN IMMEDIATE');
    for (const table of tables) replaceTable(connection, table);
    connection.exec('COMMIT');
  } finally {
    // Closing undoes what was not committed.
    connection.close();
  }
}

/** Gives a new, empty file the encoding and the numbers of its own that another database has. */
export function makeAlike(model: string, file: string): void {
  const stored = openToRead(model);
  const connection = openToWrite(file);
  try {
    const encoding = String(stored.prepare('PRAGMA encoding').get()?.['encoding']);
    connection.exec(`PRAGMA encoding = '${encoding}'; PRAGMA page_size = ${pragma(stored, 'page_size')}`);
    // The encoding is settled only with the first table.
    connection.exec('CREATE TABLE settled (x); DROP TABLE settled');
    for (const name of ['user_version', 'application_id'])
      connection.exec(`PRAGMA ${name} = ${pragma(stored, name)}`);
  } finally {
    connection.close();
    stored.close();
  }
}

/** Tables of a live database with foreign keys to one of these, but for themselves. */
export function tablesThatRefer(connection: Connection, tables: readonly string[]): string[] {
  const names = tables.map(() => '?').join(', ');
  const rows = connection
    .prepare(
      `SELECT DISTINCT t.name AS name FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f
       WHERE t.schema = 'main' AND f."table" COLLATE NOCASE IN (${names})
         AND t.name NOT IN (${names}) ORDER BY t.name`,
    )
    .all(...tables, ...tables) as unknown as { name: string }[];
  return rows.map(({ name }) => name);
}

function replaceTable(connection: Connection, table: string): void {
  const name = quoted(table);
  connection.exec(`DROP TABLE IF EXISTS main.${name}`);
  const statements = connection
    .prepare(
      `SELECT type, sql FROM stored.sqlite_schema
       WHERE tbl_name = ? AND type IN ('table', 'index', 'trigger') AND sql IS NOT NULL`,
    )
    .all(table) as unknown as { type: string; sql: string }[];
  const make = (type: string): void => {
    for (const statement of statements) if (statement.type === type) connection.exec(statement.sql);
  };
  make('table');
  const columns = copiedColumns(connection, table);
  connection.exec(`INSERT INTO main.${name} (${columns}) SELECT ${columns} FROM stored.${name}`);
  make('index');
  make('trigger');
  keepSequence(connection, table);
}

/** All columns that are stored, and the rowid where it is not one of them: other things may refer to it. */
function copiedColumns(connection: Connection, table: string): string {
  const columns = connection
    .prepare(`SELECT name, type, pk, hidden FROM pragma_table_xinfo(?, 'main')`)
    .all(table) as unknown as { name: string; type: string; pk: number; hidden: number }[];
  const names = columns.filter(({ hidden }) => hidden === 0).map(({ name }) => quoted(name));
  const list = connection
    .prepare(`SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?`)
    .get(table);
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const isAlias =
    columns.filter(({ pk }) => pk > 0).length === 1 &&
    columns.some(({ pk, type }) => pk === 1 && type.toUpperCase() === 'INTEGER');
  if (list?.['wr'] === 1 || isAlias) return names.join(', ');
  const rowid = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  return [...(rowid === undefined ? [] : [rowid]), ...names].join(', ');
}

/** The next number of an AUTOINCREMENT column. */
function keepSequence(connection: Connection, table: string): void {
  const has = (schema: string): boolean =>
    connection.prepare(`SELECT 1 FROM ${schema}.sqlite_schema WHERE name = 'sqlite_sequence'`).get() !==
    undefined;
  if (!has('main') || !has('stored')) return;
  connection.prepare('DELETE FROM main.sqlite_sequence WHERE name = ?').run(table);
  connection
    .prepare(
      'INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM stored.sqlite_sequence WHERE name = ?',
    )
    .run(table);
}
