import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseError } from '../error.ts';
import { copyDatabase, replaceContent } from './copy.ts';
import { sqliteFailure } from './failure.ts';
import { openToRead, openToWrite, pragma } from './open.ts';
import { replaceTables } from './restore-tables.ts';
import { flushFolderOf } from './staged-file.ts';
import { type SqliteTicket, placesOf } from './ticket.ts';

const WAIT_FOR_OTHERS_MS = 30_000;

/** What SQLite keeps beside a database. */
const COMPANIONS = ['-journal', '-wal', '-shm'] as const;

/**
 * Puts what was built in the place of the live database, which is kept. Done before, it does nothing.
 * @throws {DatabaseError} `in-use`.
 */
export async function switchTo(ticket: SqliteTicket): Promise<void> {
  const { file, way } = ticket;
  const { fresh, applying, applied, old } = placesOf(ticket);
  if (!existsSync(fresh) && !existsSync(applying)) return;
  if (way === 'create' || way === 'file') {
    if (way === 'file' && !existsSync(old)) moveDatabase(file, old);
    if (existsSync(file)) {
      throw new DatabaseError('in-use', `${file} was made by another program during the restore.`, {
        hint: 'Move it out of the way and restore again.',
      });
    }
    mkdirSync(dirname(file), { recursive: true });
    move(fresh, file);
    return;
  }
  if (!existsSync(old)) await keepOld(file, old);
  if (existsSync(fresh)) move(fresh, applying);
  try {
    if (way === 'tables') replaceTables(file, applying, ticket.tables);
    else await replaceLive(applying, file);
  } catch (error) {
    move(applying, fresh);
    throw error;
  }
  move(applying, applied);
}

/** Copies the live database as it is now, so that it can be put back. */
async function keepOld(file: string, old: string): Promise<void> {
  const part = `${old}.part`;
  rmSync(part, { force: true });
  const connection = openToRead(file);
  try {
    connection.exec('BEGIN');
    await copyDatabase(connection, part, {});
  } finally {
    connection.close();
  }
  move(part, old);
}

async function replaceLive(stored: string, file: string): Promise<void> {
  const source = openToRead(stored);
  try {
    const live = openToWrite(file);
    try {
      const mode = live.prepare('PRAGMA journal_mode').get()?.['journal_mode'];
      // A write-ahead log knows one page size only.
      if (mode === 'wal' && pragma(live, 'page_size') !== pragma(source, 'page_size')) leaveWal(live, file);
    } finally {
      live.close();
    }
    await replaceContent(source, file, WAIT_FOR_OTHERS_MS);
  } finally {
    source.close();
  }
  carryOver(file);
}

function leaveWal(live: ReturnType<typeof openToWrite>, file: string): void {
  const mode = live.prepare('PRAGMA journal_mode = DELETE').get()?.['journal_mode'];
  if (mode === 'delete') return;
  throw new DatabaseError(
    'in-use',
    `${file} cannot change its page size while other programs have it open.`,
    {
      hint: 'Stop the CRM and restore again.',
    },
  );
}

/** Puts what stands in the write-ahead log into the file, as far as nobody reads from it. */
function carryOver(file: string): void {
  const live = openToWrite(file);
  try {
    live.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // It is done later then, by whoever has it open.
    if (sqliteFailure(file, 'restored', error) === error) throw error;
  } finally {
    live.close();
  }
}

/** Puts the live database back as it was, and what was built beside it. */
export async function switchBack(ticket: SqliteTicket): Promise<void> {
  const { file, way, made } = ticket;
  const { fresh, applying, applied, old } = placesOf(ticket);
  if (way === 'create') {
    if (existsSync(dirname(fresh)) && !existsSync(fresh) && existsSync(file)) moveDatabase(file, fresh);
    for (const folder of made.toReversed()) {
      if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
    }
    return;
  }
  if (!existsSync(old)) return;
  if (way === 'file') {
    if (!existsSync(fresh) && existsSync(file)) moveDatabase(file, fresh);
    moveDatabase(old, file);
    return;
  }
  if (existsSync(applied) || existsSync(applying)) await replaceLive(old, file);
  for (const one of [applied, applying]) if (existsSync(one)) move(one, fresh);
  rmSync(old, { force: true });
}

/** Moves a database with what SQLite keeps beside it, which must never meet another one. */
function moveDatabase(from: string, to: string): void {
  for (const end of COMPANIONS) if (existsSync(from + end)) renameSync(from + end, to + end);
  move(from, to);
}

function move(from: string, to: string): void {
  renameSync(from, to);
  flushFolderOf(to);
  flushFolderOf(from);
}
