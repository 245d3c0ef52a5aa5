import { mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { checkRestorePath } from '../../path/restore-path.ts';
import type { Task } from '../../task.ts';
import type {
  DatabaseAddress,
  DumpSource,
  ExtractedPart,
  RestoreRequest,
  RestoreTarget,
  RestoreTicket,
} from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { sqliteFile, targetFile } from './address.ts';
import { sqliteFailure } from './failure.ts';
import { openToRead } from './open.ts';
import { readPages } from './pages.ts';
import { chosenTables, modeOf, planRestore } from './plan.ts';
import { makeAlike, replaceTables } from './restore-tables.ts';
import { writeNewFile } from './staged-file.ts';
import { switchBack, switchTo } from './switch.ts';
import { keepLive, whichIsLive } from './which-is-live.ts';
import { countObjects, listTables, PAGES } from './tables.ts';
import { type SqliteTicket, placesOf, readTicket } from './ticket.ts';

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
    plan: guarded(async (source: DumpSource, request: RestoreRequest) => planRestore(file, source, request)),
    build: guarded(async (source: DumpSource, ticket: RestoreTicket, task: Task) =>
      build(source, readTicket(ticket), task),
    ),
    switch: guarded(async (ticket: RestoreTicket) => switchTo(readTicket(ticket))),
    switchBack: guarded(async (ticket: RestoreTicket) => switchBack(readTicket(ticket))),
    clear: guarded(async (ticket: RestoreTicket) => clear(readTicket(ticket))),
    whichIsLive: guarded(async (ticket: RestoreTicket) => whichIsLive(readTicket(ticket))),
    keepLive: guarded(async (ticket: RestoreTicket) => keepLive(readTicket(ticket))),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  });
}

/**
 * Writes the database’s file under its own name into a folder.
 * @throws {DatabaseError} `cannot-hold` for a part of a virtual table; else as `DatabaseEngine.extract`
 */
export async function extract(
  source: DumpSource,
  folder: string,
  task: Task,
  part?: ExtractedPart,
): Promise<void> {
  const { database, details } = source.info;
  const isPlain =
    basename(database) === database && checkRestorePath(database, process.platform) === undefined;
  const file = join(folder, isPlain ? database : 'database.sqlite');
  const tables = part?.tables;
  try {
    if (tables === undefined) {
      await writeNewFile(file, source.read(PAGES), modeOf(details), folder, task);
      return;
    }
    const names = chosenTables(source, tables).map(({ name }) => name);
    const whole = `${file}.whole`;
    await writeNewFile(whole, source.read(PAGES), modeOf(details), folder, task);
    await writeNewFile(file, Readable.from([]), modeOf(details), folder, task);
    makeAlike(whole, file);
    replaceTables(file, whole, names);
    rmSync(whole);
  } catch (error) {
    throw sqliteFailure(file, 'written', error);
  }
}

async function build(source: DumpSource, ticket: SqliteTicket, task: Task): Promise<void> {
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

async function clear({ folder }: SqliteTicket): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  return Promise.resolve();
}
