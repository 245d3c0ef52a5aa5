import type { Task } from '../../task.ts';
import type { DatabaseAddress, DatabaseInfo, DatabaseSnapshot, DumpProblem, DumpSink } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { tablePath } from '../table-path.ts';
import type { ServerAddress } from './address.ts';
import { type CatalogTable, readExactCharsets } from './catalog.ts';
import { dumpRows } from './dump-rows.ts';
import { Failures } from './failure.ts';
import { withFormerRows } from './former-rows.ts';
import { type Catalog, READ_ROUTINES, readCatalog } from './objects.ts';
import { writePositions } from './positions.ts';
import { quoteName } from './quote.ts';
import { type Privileges, readPrivileges, seesRoutines } from './privileges.ts';
import { endWhenCancelled, openSession, type Session } from './session.ts';
import { objectPath, type StoredObject, writeObject } from './stored-object.ts';
import { ServerRefusal } from './wire.ts';

/** Sessions that read rows; more are no faster, for one process takes them all. */
const READERS = 2;
/** All writers wait while this lock is waited for. */
const LOCK_TIMEOUT_S = 3;
/** Engines that have snapshots. */
const TRANSACTIONAL = new Set(['InnoDB', 'RocksDB', 'TokuDB', 'ndbcluster', 'partition']);

/** Without these on the whole database, some of its tables, triggers or events are hidden; routines without others. */
const HIDING = ['SELECT', 'TRIGGER', 'EVENT'];

/**
 * Why there may be no global lock: not allowed (1227; managed servers refuse it with 1044 or 1045 even to those who have
 * RELOAD), waited for too long (1205), or the session has locks of its own (1223).
 */
const NO_LOCK = new Set([1227, 1044, 1045, 1205, 1223]);

/** A moment of a database, held by sessions that all see it. */
export async function takeSnapshot(
  session: Session,
  address: DatabaseAddress,
  server: ServerAddress,
  task: Task,
): Promise<DatabaseSnapshot> {
  const failures = new Failures(address, server);
  const readers: Session[] = [];
  const close = async () => {
    await Promise.all(readers.map(({ wire }) => wire.close()));
  };
  try {
    return await endWhenCancelled([session], task, async () => {
      const unreadable: Pick<StoredObject, 'kind' | 'name'>[] = [];
      const privileges = await readPrivileges(session, server.database);
      const before = await readCatalog(session, server.database, (object) => unreadable.push(object));
      const used = before.tables.flatMap(({ columns }) => columns.flatMap(({ charset }) => charset ?? []));
      const exact = await readExactCharsets(session, used);
      for (let reader = 0; reader < READERS; reader++)
        readers.push(await openSession(server, server.database, task));
      await beginTogether(session, readers);
      const position = await sequencePositions(session, before.tables);
      const tables = before.tables.filter(({ kind }) => kind === 'table');
      return {
        estimatedBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
        dump: async (sink, dumpTask) => {
          try {
            return await endWhenCancelled([session, ...readers], dumpTask, async () => {
              for (const object of before.objects) sink.object(objectPath(object), writeObject(object));
              for (const object of unreadable) sink.report(unreadableProblem(object));
              tellHidden(session, privileges, server.database, sink);
              tellWithoutSnapshot(tables, server.database, sink);
              tellFormerRows(await withFormerRows(session, server.database, tables), server.database, sink);
              await dumpRows(session, tables, readers, exact, server.database, sink);
              refuseChanges(
                before,
                await readCatalog(session, server.database, () => undefined),
                server.place,
              );
              return infoOf(session, server, before, position);
            });
          } catch (error) {
            throw failures.of(error, 'read');
          }
        },
        [Symbol.asyncDispose]: close,
      };
    });
  } catch (error) {
    await close();
    throw failures.of(error, 'read');
  }
}

/**
 * Begins a transaction in every reader, all at one moment: a global lock keeps commits away for that long. Without the
 * privilege, or when others keep it waiting, one reader is enough, whose snapshot needs no lock.
 */
async function beginTogether({ wire }: Session, readers: Session[]): Promise<void> {
  let locked = false;
  try {
    await wire.query(`SET SESSION lock_wait_timeout = ${String(LOCK_TIMEOUT_S)}`);
    await wire.query('FLUSH TABLES WITH READ LOCK');
    locked = true;
  } catch (error) {
    if (!(error instanceof ServerRefusal) || !NO_LOCK.has(error.number)) throw error;
    for (const { wire: spare } of readers.splice(1)) await spare.close();
  }
  try {
    await Promise.all(
      readers.map((reader) => reader.wire.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')),
    );
  } finally {
    if (locked) await wire.query('UNLOCK TABLES');
    await wire.query('SET SESSION lock_wait_timeout = DEFAULT');
  }
}

function unreadableProblem(object: Pick<StoredObject, 'kind' | 'name'>): DumpProblem {
  return {
    code: 'database-incomplete',
    path: objectPath(object),
    message: `The statement of ${object.kind} “${object.name}” may not be read. ${READ_ROUTINES}`,
    incomplete: true,
  };
}

/** What an account may not see does not exist for it: nothing fails, and something may be missing. */
function tellHidden(session: Session, privileges: Privileges, database: string, sink: DumpSink): void {
  const { account, has } = privileges;
  const tell = (message: string): void =>
    sink.report({ code: 'database-incomplete', path: '', message, incomplete: true });
  const lacking = HIDING.filter((privilege) => !has(privilege));
  if (lacking.length > 0) {
    const grant = `GRANT ${lacking.join(', ')} ON ${quoteName(database)}.* TO ${account}.`;
    tell(`What ${lacking.join(', ')} would show of “${database}” may be missing unseen. ${grant}`);
  }
  if (!seesRoutines(session, privileges))
    tell(`Procedures and functions of “${database}” may be missing unseen. ${READ_ROUTINES}`);
}

/** Rows of tables without snapshots are of the moment they are read. */
function tellWithoutSnapshot(tables: readonly CatalogTable[], schema: string, sink: DumpSink): void {
  for (const { name, engine } of tables) {
    if (TRANSACTIONAL.has(engine ?? '')) continue;
    sink.report({
      code: 'database-inconsistent',
      path: tablePath(schema, name),
      message: `${engine ?? 'The engine'} has no snapshots: rows of “${name}” written during the backup may be in it.`,
      incomplete: false,
    });
  }
}

/** Former rows of system-versioned tables have no place among the present ones. */
function tellFormerRows(names: readonly string[], schema: string, sink: DumpSink): void {
  for (const name of names) {
    sink.report({
      code: 'database-incomplete',
      path: tablePath(schema, name),
      message: `The former rows that MariaDB keeps of “${name}” are left out: only the present ones are in the backup.`,
      incomplete: true,
    });
  }
}

function refuseChanges(before: Catalog, after: Catalog, place: string): void {
  const text = (objects: readonly StoredObject[]) =>
    new Map(objects.map((object) => [objectPath(object), writeObject(object)]));
  const was = text(before.objects);
  const is = text(after.objects);
  const changed = [...new Set([...was.keys(), ...is.keys()])].find((path) => was.get(path) !== is.get(path));
  if (changed === undefined) return;
  throw new DatabaseError('changed-while-reading', `${changed} of ${place} was altered while it was read.`, {
    hint: 'Wait until the migration is done, then try again.',
  });
}

/** Where sequences stand: what they give next when nothing of their cache is used. */
async function sequencePositions(
  { wire }: Session,
  tables: readonly CatalogTable[],
): Promise<ReadonlyMap<string, string>> {
  const positions = new Map<string, string>();
  for (const { name, kind } of tables) {
    if (kind !== 'sequence') continue;
    const [row] = await wire.query(`SELECT next_not_cached_value, cycle_count FROM ${quoteName(name)}`);
    positions.set(name, `${row?.[0] ?? ''}, 0, ${row?.[1] ?? '0'}`);
  }
  return positions;
}

function infoOf(
  { server: { product } }: Session,
  { database }: ServerAddress,
  { charset, collation, objects, counters }: Catalog,
  sequences: ReadonlyMap<string, string>,
): DatabaseInfo {
  const counts: Record<string, number> = {};
  for (const { kind } of objects) counts[kind] = (counts[kind] ?? 0) + 1;
  return {
    engine: 'mysql',
    product,
    database,
    charset,
    collation,
    objects: counts,
    details: writePositions({ counters, sequences }),
  };
}
