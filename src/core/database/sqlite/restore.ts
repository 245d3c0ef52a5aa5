import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { checkRestorePath } from '../../path/restore-path.ts';
import type { Task } from '../../task.ts';
import type {
  DatabaseAddress,
  DatabasePlan,
  DumpSource,
  RestoreRequest,
  RestoreTarget,
  RestoreTicket,
} from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { sqliteFile, targetFile } from './address.ts';
import { copyDatabase, replaceContent } from './copy.ts';
import { sqliteFailure } from './failure.ts';
import { openToRead, openToWrite, pragma } from './open.ts';
import { readPages } from './pages.ts';
import { replaceTables, tablesThatRefer } from './restore-tables.ts';
import { canBackUp } from './runtime.ts';
import { flushFolderOf, writeNewFile } from './staged-file.ts';
import { countObjects, listTables, PAGES } from './tables.ts';

/**
 * How the new database comes to its place. `create`: nothing stands there. `content`: the live file takes it over in a
 * transaction of its own, so that whoever has it open reads on. `tables`: the same with single tables. `file`: what
 * stands there is damaged, so the file itself is replaced.
 */
type Way = 'create' | 'content' | 'tables' | 'file';

interface Ticket {
  readonly file: string;
  /** Folder beside the file, or beside its first folder that has to be made, for what is built and what is kept. */
  readonly folder: string;
  /** Folders to be made for the file, outermost first. They may come with other files meanwhile. */
  readonly made: readonly string[];
  readonly way: Way;
  readonly mode: number;
  /** Names of single tables. */
  readonly tables: readonly string[];
}

const WAIT_FOR_OTHERS_MS = 30_000;
const DEFAULT_MODE = 0o644;
/** What SQLite keeps beside a database. */
const COMPANIONS = ['-journal', '-wal', '-shm'] as const;

/** Opens where a SQLite database is restored to. @throws {DatabaseError} `invalid-address`. */
export async function openTarget(
  address: DatabaseAddress,
  target: string | undefined,
): Promise<RestoreTarget> {
  const file = target === undefined ? sqliteFile(address) : targetFile(target, address);
  const guarded =
    <Rest extends unknown[], Result>(work: (...rest: Rest) => Promise<Result>) =>
    async (...rest: Rest): Promise<Result> => {
      try {
        return await work(...rest);
      } catch (error) {
        throw sqliteFailure(file, 'restored', error);
      }
    };
  return Promise.resolve({
    plan: guarded(async (source: DumpSource, request: RestoreRequest) => plan(file, source, request)),
    build: guarded(async (source: DumpSource, ticket: RestoreTicket, task: Task) =>
      build(source, read(ticket), task),
    ),
    switch: guarded(async (ticket: RestoreTicket) => switchTo(read(ticket))),
    switchBack: guarded(async (ticket: RestoreTicket) => switchBack(read(ticket))),
    clear: guarded(async (ticket: RestoreTicket) => clear(read(ticket))),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  });
}

/** Writes the database’s file under its own name into a folder. */
export async function extract(source: DumpSource, folder: string, task: Task): Promise<void> {
  const { database, details } = source.info;
  const isPlain =
    basename(database) === database && checkRestorePath(database, process.platform) === undefined;
  const file = join(folder, isPlain ? database : 'database.sqlite');
  try {
    await writeNewFile(file, source.read(PAGES), modeOf(details), folder, task);
  } catch (error) {
    throw sqliteFailure(file, 'written', error);
  }
}

async function plan(file: string, source: DumpSource, request: RestoreRequest): Promise<DatabasePlan> {
  const chosen = request.tables;
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
  const names = tables.map(({ name }) => name);
  const { way, notices } = look(file, chosen === undefined ? undefined : names);
  if (way !== 'create' && way !== 'file' && !(await canBackUp())) {
    throw new DatabaseError('unsupported-runtime', `Node ${process.version} cannot restore into ${file}.`, {
      hint: 'Use the command line on Node 24, or restore to another file with --database NAME=FILE.',
    });
  }
  const made = missingFolders(file);
  const beside = dirname(made[0] ?? file);
  mustHaveRoom(file, beside, source);
  const ticket: Ticket = {
    file,
    folder: join(beside, `.crm-backup-database-${request.restoreId}-${basename(file)}`),
    made,
    way,
    mode: modeOf(source.info.details),
    tables: way === 'tables' ? names : [],
  };
  return { ticket: { ...ticket }, target: file, creates: way === 'create', tables: tables.length, notices };
}

/** Finds the way to a target, and what is to be known before going it. */
function look(file: string, tables: readonly string[] | undefined): { way: Way; notices: string[] } {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (tables === undefined) return { way: 'create', notices: [] };
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
      if (tables === undefined) return { way: 'content', notices: [] };
      const notices = tablesThatRefer(connection, tables).map(
        (name) =>
          `Rows of table ${name} refer to what is restored; some may refer to rows that are gone then.`,
      );
      return { way: 'tables', notices };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== 'damaged' || tables !== undefined) throw error;
    return { way: 'file', notices: [`${file} is damaged or no database; the whole file is replaced.`] };
  }
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

async function build(source: DumpSource, ticket: Ticket, task: Task): Promise<void> {
  const { folder, mode } = ticket;
  mkdirSync(folder, { mode: 0o700 });
  const { fresh } = placesOf(ticket);
  await writeNewFile(fresh, source.read(PAGES), mode, dirname(folder), task);
  await check(source, fresh, task);
}

/** Whether a built database is the one of the backup: its objects, its tables, their rows and checksums. */
async function check(source: DumpSource, file: string, task: Task): Promise<void> {
  const pages = await readPages(file, () => undefined, task);
  const connection = openToRead(file);
  try {
    const built = new Map(listTables(connection, pages).map((table) => [table.name, table]));
    const differs = source.tables.find(({ name, rows, checksum }) => {
      const table = built.get(name);
      return table?.rows !== rows || table.checksum !== checksum;
    });
    const objects = JSON.stringify(countObjects(connection)) === JSON.stringify(source.info.objects);
    if (differs === undefined && objects && built.size === source.tables.length) return;
    const what = differs === undefined ? 'its objects are' : `table ${differs.name} is`;
    throw new DatabaseError(
      'check-failed',
      `The restored database is not as in the backup: ${what} different.`,
      {
        hint: 'The old database is as it was. Run “crm-backup verify --level data”.',
      },
    );
  } finally {
    connection.close();
  }
}

/** Files in the folder beside the live one. At any moment only one of the first three exists. */
function placesOf({ folder }: Ticket): Record<'fresh' | 'applying' | 'applied' | 'old', string> {
  return {
    fresh: join(folder, 'new.sqlite'),
    applying: join(folder, 'applying.sqlite'),
    applied: join(folder, 'applied.sqlite'),
    old: join(folder, 'old.sqlite'),
  };
}

async function switchTo(ticket: Ticket): Promise<void> {
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

async function switchBack(ticket: Ticket): Promise<void> {
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

async function clear({ folder }: Ticket): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  return Promise.resolve();
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

function modeOf(details: Readonly<Record<string, unknown>>): number {
  const { mode } = details;
  return typeof mode === 'number' ? mode & 0o777 : DEFAULT_MODE;
}

/** A ticket is our own, but it comes from a file. */
function read(ticket: RestoreTicket): Ticket {
  const { file, folder, made, way, mode, tables } = ticket as unknown as Ticket;
  const isBeside = `${dirname(file)}/`.startsWith(dirname(folder));
  if (!basename(folder).startsWith('.crm-backup-database-') || !isBeside) {
    throw new RangeError('this ticket is not of a restore to a SQLite database');
  }
  return { file, folder, made, way, mode, tables };
}
