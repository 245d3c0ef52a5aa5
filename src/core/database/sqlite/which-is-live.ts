import { existsSync, rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { LiveContent, TableExtra } from '../engine.ts';
import { copyDatabase } from './copy.ts';
import { sqliteFailure } from './failure.ts';
import { openToRead } from './open.ts';
import { readPages } from './pages.ts';
import { switchBack } from './switch.ts';
import { listTables, schemaText } from './tables.ts';
import { placesOf, type SqliteTicket } from './ticket.ts';

/** Which content is live; see `RestoreTarget.whichIsLive`. */
export async function whichIsLive(ticket: SqliteTicket): Promise<LiveContent> {
  const { file, folder, way } = ticket;
  const { fresh, applying, applied, old } = placesOf(ticket);
  if (!existsSync(folder)) return 'old';
  if (way === 'content' || way === 'tables') {
    if (existsSync(applying)) return compareLive(ticket);
    return existsSync(applied) ? 'new' : 'old';
  }
  if (!existsSync(fresh)) return existsSync(file) ? 'new' : 'old';
  // The old file was moved away, and another program has made one meanwhile.
  return way === 'file' && existsSync(old) && existsSync(file) ? 'unsure' : 'old';
}

/** Ends a restore with what is live; see `RestoreTarget.keepLive`. */
export async function keepLive(ticket: SqliteTicket): Promise<string | undefined> {
  const { file, folder } = ticket;
  const { fresh, applying, applied, old } = placesOf(ticket);
  const isThere = existsSync(file);
  // Where nothing is there, what was before is put back.
  if (existsSync(fresh) && !isThere) await switchBack(ticket);
  if (!existsSync(old) || (existsSync(fresh) && ticket.way !== 'file')) {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  for (const staged of [fresh, applying, applied]) rmSync(staged, { force: true });
  return old;
}

/**
 * In the middle of taking the content over, it is in place or not; whether it is, and nobody has changed anything since,
 * only the content itself can tell.
 */
async function compareLive(ticket: SqliteTicket): Promise<LiveContent> {
  const { file, folder, way } = ticket;
  const { applying, old } = placesOf(ticket);
  const copy = `${folder}/live.sqlite`;
  try {
    const connection = openToRead(file);
    try {
      rmSync(copy, { force: true });
      connection.exec('BEGIN');
      await copyDatabase(connection, copy, {});
    } finally {
      connection.close();
    }
    const [live, before, after] = [await contentOf(copy), await contentOf(old), await contentOf(applying)];
    if (isDeepStrictEqual(live, before)) return 'old';
    // Single tables are written row by row, so their pages are others.
    return way === 'content' && isDeepStrictEqual(live, after) ? 'new' : 'unsure';
  } catch (error) {
    if (sqliteFailure(file, 'restored', error) === error) throw error;
    return 'unsure';
  } finally {
    rmSync(copy, { force: true });
  }
}

/** The schema, and the tables with the checksums of their pages. */
async function contentOf(file: string): Promise<{ schema: string; tables: readonly TableExtra[] }> {
  const pages = await readPages(file, () => undefined, {});
  const connection = openToRead(file);
  try {
    return { schema: schemaText(connection), tables: listTables(connection, pages) };
  } finally {
    connection.close();
  }
}
