import { systemCode } from '../../errors.ts';
import { DatabaseError } from '../error.ts';

/** SQLite’s primary result codes, https://sqlite.org/rescode.html */
const ERROR = 1;
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** The primary code of an error of SQLite; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (systemCode(error) !== 'ERR_SQLITE_ERROR') return undefined;
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Whether somebody else holds a lock. Node’s `backup()` says it with no code at all. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === BUSY || code === LOCKED || code === 0;
}

/** Whether SQLite finds a database damaged. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CORRUPT || code === NOTADB;
}

/** Whether SQLite does not do what a statement says, whatever the data are. */
export function isRefused(error: unknown): boolean {
  return sqliteCode(error) === ERROR;
}

/**
 * What an error of SQLite or of the file system means for a database. Other errors are bugs and come back as they are.
 * @param what what was done, as in “… could not be <what>”: `read`, `restored`
 */
export function sqliteFailure(file: string, what: string, error: unknown): unknown {
  const code = sqliteCode(error);
  const system = systemCode(error);
  if (code === undefined && system === undefined) return error;
  const failure = (kind: DatabaseError['code'], why: string, hint: string): DatabaseError =>
    new DatabaseError(kind, `${file} could not be ${what}: ${why}.`, { hint, cause: error });
  switch (code ?? system) {
    case BUSY:
    case LOCKED:
    case 0:
      return failure('busy', 'another program keeps it locked', 'Let that program finish and try again.');
    case NOTADB:
      return failure(
        'damaged',
        'it is no SQLite database, or an encrypted one',
        'Check the “url” of the set file.',
      );
    case CORRUPT:
      return failure(
        'damaged',
        'the database is damaged',
        'Look at it with “sqlite3 FILE "PRAGMA integrity_check"” and restore an older backup.',
      );
    case FULL:
    case 'ENOSPC':
    case 'EDQUOT':
      return failure('no-space', 'the disk is full', 'Free some space and try again.');
    case PERM:
    case READONLY:
    case CANTOPEN:
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return failure(
        'missing-privilege',
        'it or its folder may not be opened',
        'Run it as the user the file belongs to; SQLite also writes files beside it.',
      );
    case IOERR:
    case 'EIO':
      return failure(what === 'read' ? 'read-failed' : 'write-failed', 'the disk failed', 'Check the disk.');
    default: {
      const why = code === undefined ? `the system said ${system}` : sentence(error);
      return failure(what === 'read' ? 'read-failed' : 'write-failed', why, 'Try again.');
    }
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? `SQLite said “${error.message}”` : 'SQLite failed';
}
