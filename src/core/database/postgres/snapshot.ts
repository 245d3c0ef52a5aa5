import type { Task } from '../../task.ts';
import type { DatabaseSnapshot } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { DUMPED_TABLES, readTables } from './catalog.ts';
import { dump, type Moment } from './dump.ts';
import { qualified } from './quote.ts';
import { type RunningSchemaDump, startSchemaDump } from './schema-dump.ts';
import { openSession, type Server, type Session } from './session.ts';
import { findClientTools, type ToolPlace } from './tools.ts';

/** Connections that read rows. */
const READERS = 2;
const ATTEMPTS = 5;
const LOCK_TIMEOUT_MS = 10_000;
/** Tables named in one statement. */
const LOCKS_AT_ONCE = 500;

interface TableName {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly file: string;
  readonly fileNow: string | null;
}

/**
 * Fixes a moment. The locks come before the snapshot, on every connection that reads: a TRUNCATE or a change of type
 * that slips in between makes a table read as empty without any error. And whoever wants to alter a table while it is
 * read waits behind the locks, where a reader that locks later would wait behind him for ever.
 * @throws {DatabaseError} `missing-tool`, `missing-privilege`, `busy`, `changed-while-reading`. {CancelledError}
 */
export async function takeSnapshot(
  server: Server,
  toolPlace: ToolPlace,
  task: Task,
): Promise<DatabaseSnapshot> {
  for (let attempt = 1; ; attempt++) {
    const opened: Session[] = [];
    try {
      const moment = await fixMoment(server, toolPlace, opened, task);
      return {
        estimatedBytes: moment.tables.reduce((sum, { bytes }) => sum + bytes, 0),
        dump: async (sink, dumpTask) => dump(moment, sink, dumpTask),
        [Symbol.asyncDispose]: async () => close(opened, moment.schema),
      };
    } catch (error) {
      await close(opened);
      const again = error instanceof DatabaseError && error.code === 'changed-while-reading';
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}

async function close(sessions: readonly Session[], schema?: RunningSchemaDump): Promise<void> {
  await Promise.all(sessions.map(async (session) => session[Symbol.asyncDispose]()));
  await schema?.schema.catch(() => undefined);
}

async function fixMoment(
  server: Server,
  toolPlace: ToolPlace,
  opened: Session[],
  task: Task,
): Promise<Moment> {
  for (let number = 0; number < READERS; number++) opened.push(await openSession(server, task));
  const [leader, ...others] = opened as [Session, ...Session[]];
  const tools = await findClientTools(leader.version, toolPlace, server.address, task);
  const names = await leader.rows<TableName>(DUMPED_TABLES, 'Reading the list of tables');
  for (const session of opened) {
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', 'Beginning to read');
    await lock(session, names);
  }
  const doing = 'Exporting a snapshot';
  const [exported] = await leader.rows<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id', doing);
  const { id } = exported!;
  for (const session of others) await session.run(`SET TRANSACTION SNAPSHOT '${id}'`, doing);
  await checkUnaltered(leader, names);
  const schema = startSchemaDump(server, tools, id, task);
  schema.schema.catch(() => undefined);
  try {
    await schema.locked;
    return { readers: opened, tables: await readTables(leader), schema };
  } catch (error) {
    await close(opened, schema);
    throw error;
  }
}

async function lock(session: Session, names: readonly TableName[]): Promise<void> {
  const doing = 'Locking the tables against changes of their schema';
  await session.run(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`, doing);
  for (let at = 0; at < names.length; at += LOCKS_AT_ONCE) {
    const tables = names
      .slice(at, at + LOCKS_AT_ONCE)
      .map(({ schema, name }) => `ONLY ${qualified(schema, name)}`);
    try {
      await session.client.query(`LOCK TABLE ${tables.join(', ')} IN ACCESS SHARE MODE`);
    } catch (error) {
      if (isGone(error)) throw altered();
      throw session.server.failures.of(error, doing);
    }
  }
  await session.run('SET LOCAL lock_timeout = 0', doing);
}

/** What the snapshot sees must be what is locked, in the files the server reads now. */
async function checkUnaltered(leader: Session, locked: readonly TableName[]): Promise<void> {
  const oids = new Set(locked.map(({ oid }) => oid));
  const seen = await leader.rows<TableName>(DUMPED_TABLES, 'Reading the list of tables again');
  for (const { oid, file, fileNow } of seen) if (!oids.has(oid) || file !== fileNow) throw altered();
}

/** The table, schema or column does not exist any more. */
function isGone(error: unknown): boolean {
  return (
    error instanceof Error && ['42P01', '3F000', '42703'].includes((error as { code?: string }).code ?? '')
  );
}

function altered(): DatabaseError {
  return new DatabaseError(
    'changed-while-reading',
    'Tables were created, altered or emptied while they were about to be read.',
    {
      hint: 'Run the backup again when the migration is done.',
    },
  );
}
