import { existsSync, statSync } from 'node:fs';
import { DatabaseError } from '../error.ts';
import { sqliteFailure } from './failure.ts';
import { type Connection, loadSqlite } from './runtime.ts';

/** How long SQLite waits for a lock of somebody else. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens a database to read it. Nothing is written to it but what SQLite itself must: it undoes what a program that died
 * had begun.
 * @throws {DatabaseError} `no-database`, `damaged`, `missing-privilege`, `busy`, `unsupported-runtime`.
 */
export function openToRead(file: string): Connection {
  mustExist(file);
  // Opened for reading only, SQLite would leave an empty -wal behind; opened for writing it carries a full one over.
  const readOnly = existsSync(`${file}-wal`);
  try {
    return open(file, readOnly);
  } catch (error) {
    if (!(readOnly && error instanceof DatabaseError && error.code === 'missing-privilege')) throw error;
    return open(file, false);
  }
}

/** Opens a database to restore it. @throws as {@link openToRead}. */
export function openToWrite(file: string): Connection {
  mustExist(file);
  return open(file, undefined);
}

function open(file: string, readOnly: boolean | undefined): Connection {
  const { DatabaseSync } = loadSqlite();
  let connection: Connection | undefined;
  try {
    connection = new DatabaseSync(file, {
      readOnly: readOnly ?? false,
      timeout: BUSY_TIMEOUT_MS,
      enableForeignKeyConstraints: false,
    });
    if (readOnly !== undefined) connection.exec('PRAGMA query_only = ON');
    // Reads the file for the first time, so that what is wrong with it shows here.
    connection.prepare('SELECT count(*) FROM sqlite_schema').get();
    return connection;
  } catch (error) {
    connection?.close();
    throw sqliteFailure(file, readOnly === undefined ? 'restored' : 'read', error);
  }
}

function mustExist(file: string): void {
  let isFile: boolean | undefined;
  try {
    isFile = statSync(file, { throwIfNoEntry: false })?.isFile();
  } catch (error) {
    throw sqliteFailure(file, 'read', error);
  }
  if (isFile) return;
  const what = isFile === undefined ? 'does not exist' : 'is no file';
  throw new DatabaseError('no-database', `The SQLite database ${file} ${what}.`, {
    hint: 'Check the “url” of the set file; relative paths begin at the workspace.',
  });
}

/** One number a pragma answers, or 0. */
export function pragma(connection: Connection, name: string): number {
  const [value] = Object.values(connection.prepare(`PRAGMA ${name}`).get() ?? {});
  return typeof value === 'number' ? value : 0;
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
