import { existsSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabasePlan, DumpedTable, DumpSource, RestoreRequest } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { openToRead } from './open.ts';
import { tablesThatRefer } from './restore-tables.ts';
import { canBackUp, type Connection } from './runtime.ts';
import { PAGES } from './tables.ts';
import type { SqliteTicket, Way } from './ticket.ts';

const DEFAULT_MODE = 0o644;

/**
 * Plans a restore. Everything that can be known before is looked at; nothing is changed.
 * @throws {DatabaseError} `not-in-backup`, `cannot-hold`, `no-database`, `unsupported-runtime`, `no-space`.
 */
export async function planRestore(
  file: string,
  source: DumpSource,
  request: RestoreRequest,
): Promise<DatabasePlan> {
  const chosen = request.tables;
  const tables = chosenTables(source, chosen);
  const names = tables.map(({ name }) => name);
  const { way, notices, isEmpty } = look(file, chosen === undefined ? undefined : names);
  if (way !== 'create' && way !== 'file' && !(await canBackUp())) {
    throw new DatabaseError('unsupported-runtime', `Node ${process.version} cannot restore into ${file}.`, {
      hint: 'Use the command line on Node 24, or restore to another file with --database NAME=FILE.',
    });
  }
  const made = missingFolders(file);
  const beside = dirname(made[0] ?? file);
  mustHaveRoom(file, beside, source);
  const ticket: SqliteTicket = {
    file,
    folder: join(beside, `.crm-backup-database-${request.restoreId}-${basename(file)}`),
    made,
    way,
    mode: modeOf(source.info.details),
    tables: way === 'tables' ? names : [],
  };
  const creates = way === 'create';
  return { ticket: { ...ticket }, target: file, creates, isEmpty, tables: tables.length, notices };
}

/**
 * The tables that are chosen, or all.
 * @throws {DatabaseError} `not-in-backup`, `cannot-hold` for one that is a part of another.
 */
export function chosenTables(source: DumpSource, chosen: RestoreRequest['tables']): DumpedTable[] {
  const tables = source.tables.filter(({ path }) => chosen?.includes(path) ?? true);
  const missing = chosen?.find((path) => !tables.some((table) => table.path === path));
  if (missing !== undefined) {
    throw new DatabaseError('not-in-backup', `Database “${source.name}” of this backup has no ${missing}.`, {
      hint: `“crm-backup ls BACKUP databases/${source.name}/tables” lists its tables.`,
    });
  }
  const [internal] =
    chosen === undefined ? [] : tables.filter(({ details }) => details?.['internal'] === true);
  if (internal !== undefined) {
    throw new DatabaseError(
      'cannot-hold',
      `${internal.path} is part of a virtual table and cannot be restored alone.`,
      {
        hint: 'Restore the whole database, or restore it to another file and copy what you need.',
      },
    );
  }
  return tables;
}

/** How a target is restored to, and what is to be known before. */
interface Outlook {
  readonly way: Way;
  readonly notices: string[];
  readonly isEmpty: boolean;
}

/** Finds the way to a target. */
function look(file: string, tables: readonly string[] | undefined): Outlook {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (tables === undefined) return { way: 'create', notices: [], isEmpty: true };
    throw new DatabaseError(
      'no-database',
      `Single tables cannot be restored to ${file}, which does not exist.`,
      {
        hint: 'Restore the whole database there.',
      },
    );
  }
  if (!stats.isFile()) {
    throw new DatabaseError(
      'cannot-hold',
      `Where the database belongs, ${file}, stands something that is no file.`,
      {
        hint: 'Move it out of the way and try again.',
      },
    );
  }
  try {
    const connection = openToRead(file);
    try {
      const isEmpty = !holdsAny(connection, tables);
      if (tables === undefined) return { way: 'content', notices: [], isEmpty };
      const notices = tablesThatRefer(connection, tables).map(
        (name) =>
          `Rows of table ${name} refer to what is restored; some may refer to rows that are gone then.`,
      );
      return { way: 'tables', notices, isEmpty };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== 'damaged' || tables !== undefined) throw error;
    const notices = [`${file} is damaged or no database; the whole file is replaced.`];
    return { way: 'file', notices, isEmpty: false };
  }
}

/** Whether there is any of these tables, or anything at all. */
function holdsAny(connection: Connection, tables: readonly string[] | undefined): boolean {
  const names = connection
    .prepare('SELECT name FROM sqlite_schema')
    .all()
    .map(({ name }) => String(name));
  const wanted = tables && new Set(tables.map((name) => name.toLowerCase()));
  return names.some((name) => wanted?.has(name.toLowerCase()) ?? true);
}

function missingFolders(file: string): string[] {
  const missing: string[] = [];
  for (let folder = dirname(file); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
  return missing;
}

function mustHaveRoom(file: string, folder: string, source: DumpSource): void {
  const bytes = source.objects.find(({ path }) => path === PAGES)?.bytes ?? 0;
  const old = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const { bavail, bsize } = statfsSync(folder);
  // The new one, the old one, and the journal in which SQLite keeps the old one once more.
  const needed = bytes + 2 * old;
  if (bavail * bsize >= needed) return;
  const megabytes = (all: number): string => `${Math.ceil(all / 1_000_000)} MB`;
  throw new DatabaseError(
    'no-space',
    `${folder} has no room for the restore of ${file}: it needs ${megabytes(needed)}, ${megabytes(bavail * bsize)} are free.`,
    { hint: 'Free some space there; nothing was changed.' },
  );
}

/** The mode the database’s file had. */
export function modeOf(details: Readonly<Record<string, unknown>>): number {
  const { mode } = details;
  return typeof mode === 'number' ? mode & 0o777 : DEFAULT_MODE;
}
