import { throwIfCancelled, type Task } from '../../task.ts';
import type { DumpedTable, DumpSource, RestoreRequest } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { placeOf } from './address.ts';
import { type CatalogTable, copyInStatement, readBackStatements, readTables } from './catalog.ts';
import { checkRows } from './check.ts';
import { copyIn } from './copy.ts';
import { isLargeObjects } from './large-objects.ts';
import { besideName, type PostgresPlan } from './plan.ts';
import { identifier, literal, qualified } from './quote.ts';
import { hasSchema, type Session } from './session.ts';
import type { PostgresTicket } from './ticket.ts';

const LOCK_TIMEOUT_MS = 15_000;

interface References {
  readonly from: string;
  readonly to: string;
}

/**
 * Plans to give single tables the rows they had. The tables stay the ones they are, with everything that refers to them.
 * @param session to the live database
 * @throws {DatabaseError} `not-in-backup`, `cannot-hold`, `missing-privilege`.
 */
export async function planTables(
  session: Session,
  source: DumpSource,
  request: RestoreRequest & { readonly tables: readonly string[] },
): Promise<PostgresPlan> {
  const tables = request.tables.map((path) => storedTable(source, path));
  const place = placeOf(session.server.address);
  const live = await liveTables(session);
  for (const table of tables) checkShape(table, live.get(nameOf(table)), place);
  const names = tables.map(nameOf);
  const [rights] = await session.rows<{ create: string; foreign: string | null }>(
    `SELECT pg_catalog.has_database_privilege(current_database(), 'CREATE')::text AS create,
      (SELECT string_agg(n.nspname || '.' || c.relname, ', ') FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname || '.' || c.relname IN (${names.map(literal).join(', ')})
        AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')) AS foreign`,
    'Asking for the privileges',
  );
  if (rights!.create !== 'true' || rights!.foreign !== null) {
    const what =
      rights!.foreign === null ? `create a schema in ${place}` : `replace the rows of ${rights!.foreign}`;
    throw new DatabaseError('missing-privilege', `This user may not ${what}.`, {
      hint: 'Restore as the owner.',
    });
  }
  const referring = await session.rows<References>(
    `SELECT DISTINCT fn.nspname || '.' || f.relname AS from, tn.nspname || '.' || t.relname AS to
     FROM pg_catalog.pg_constraint o
     JOIN pg_catalog.pg_class f ON f.oid = o.conrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
     JOIN pg_catalog.pg_class t ON t.oid = o.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
     WHERE o.contype = 'f' AND tn.nspname || '.' || t.relname IN (${names.map(literal).join(', ')})
       AND fn.nspname || '.' || f.relname NOT IN (${names.map(literal).join(', ')}) ORDER BY 1, 2`,
    'Looking for what refers to the tables',
  );
  return {
    ticket: {
      mode: 'tables',
      live: session.server.address.database,
      built: besideName('crm_backup', 'new', request.restoreId),
      old: besideName('crm_backup', 'old', request.restoreId),
      creates: false,
      mayEndSessions: request.mayEndSessions,
      comment: null,
      schemas: [],
      oldSchemas: [],
      tables: tables.map(({ schema, name }) => ({ schema, name })),
    },
    target: place,
    creates: false,
    tables: tables.length,
    notices: referring.map(
      ({ from, to }) => `${from} refers to ${to}: if rows are missing that it needs, nothing is restored.`,
    ),
  };
}

/**
 * Writes the rows into a schema beside and checks them. The live tables are untouched.
 * @throws {DatabaseError} `check-failed`, `no-space`, `connection-lost`, `write-failed`. {CancelledError}
 */
export async function buildTables(
  session: Session,
  source: DumpSource,
  ticket: PostgresTicket,
  task: Task,
): Promise<void> {
  const live = await liveTables(session);
  const doing = 'Creating a schema for the rows';
  await session.run(`DROP SCHEMA IF EXISTS ${identifier(ticket.built)} CASCADE`, doing);
  await session.run(`CREATE SCHEMA ${identifier(ticket.built)}`, doing);
  for (const [index, { schema, name }] of ticket.tables.entries()) {
    throwIfCancelled(task);
    const stored = source.tables.find((table) => table.schema === schema && table.name === name)!;
    const table = live.get(nameOf(stored));
    checkShape(stored, table, placeOf(session.server.address));
    const beside = { schema: ticket.built, name: `t${index}` };
    const columns = columnsOf(table.head.columns);
    await session.run(
      `CREATE TABLE ${qualified(beside.schema, beside.name)} AS SELECT ${columns} FROM ONLY ${qualified(schema, name)} WHERE false`,
      doing,
    );
    const writing = `Writing the table ${nameOf(stored)}`;
    await copyIn(
      session,
      copyInStatement(beside.schema, beside.name, stored.columns),
      source.read(stored.path),
      writing,
    );
    const reads = readBackStatements({ ...table, where: '', head: { ...table.head, ...beside } });
    await checkRows(session, stored, { head: table.head, reads });
    task.progress?.({ phase: 'load', done: index + 1, total: ticket.tables.length, unit: 'rows' });
  }
}

/** Gives the tables their rows of the backup in one transaction, and keeps those they have. */
export async function switchTables(session: Session, ticket: PostgresTicket): Promise<void> {
  if (await hasSchema(session, ticket.old)) return;
  if (!(await hasSchema(session, ticket.built))) {
    throw new DatabaseError(
      'check-failed',
      'There are no rows that could be put into the tables: nothing was built.',
    );
  }
  const keep = [`CREATE SCHEMA ${identifier(ticket.old)}`];
  const live = await liveTables(session);
  for (const [index, { schema, name }] of ticket.tables.entries()) {
    const columns = columnsOf(live.get(`${schema}.${name}`)?.head.columns ?? []);
    keep.push(
      `CREATE TABLE ${qualified(ticket.old, `t${index}`)} AS SELECT ${columns} FROM ONLY ${qualified(schema, name)}`,
    );
  }
  await replaceRows(session, ticket, live, ticket.built, keep, []);
}

/** Gives the tables back the rows they had; does nothing when they have them. */
export async function switchTablesBack(session: Session, ticket: PostgresTicket): Promise<void> {
  if (!(await hasSchema(session, ticket.old))) return;
  const drop = [`DROP SCHEMA ${identifier(ticket.old)} CASCADE`];
  await replaceRows(session, ticket, await liveTables(session), ticket.old, [], drop);
}

/** Removes what stands beside. */
export async function clearTables(session: Session, { built, old }: PostgresTicket): Promise<void> {
  for (const schema of [built, old]) {
    await session.run(`DROP SCHEMA IF EXISTS ${identifier(schema)} CASCADE`, `Removing the schema ${schema}`);
  }
}

/** Whether the built rows are in the tables. */
export async function areTablesSwitched(session: Session, { old }: PostgresTicket): Promise<boolean> {
  return hasSchema(session, old);
}

/** After a switch: removes what was built and leaves the old rows in their schema, whose name comes back. */
export async function keepLiveTables(
  session: Session,
  { built, old }: PostgresTicket,
): Promise<string | undefined> {
  await session.run(`DROP SCHEMA IF EXISTS ${identifier(built)} CASCADE`, `Removing the schema ${built}`);
  return `schema ${old} of ${placeOf(session.server.address)}`;
}

/**
 * Statements around the replacement: foreign keys, triggers and rules would act on rows that come and go. Before
 * PostgreSQL 15 triggers that a partition has from its table count as internal.
 */
const AROUND = (oids: string) => `WITH RECURSIVE touching AS (
    SELECT o.oid, o.conparentid FROM pg_catalog.pg_constraint o
      WHERE o.contype = 'f' AND (o.conrelid IN (${oids}) OR o.confrelid IN (${oids}))
    UNION SELECT o.oid, o.conparentid FROM touching JOIN pg_catalog.pg_constraint o ON o.oid = touching.conparentid)
  SELECT 0 AS step, format('ALTER TABLE %s DROP CONSTRAINT %I', o.conrelid::regclass, o.conname) AS before,
      format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid)) AS after
    FROM pg_catalog.pg_constraint o JOIN touching t ON t.oid = o.oid WHERE o.conparentid = 0
  UNION ALL
  SELECT 1, format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname),
      format('ALTER TABLE %s ENABLE %s TRIGGER %I', t.tgrelid::regclass,
        CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, t.tgname)
    FROM pg_catalog.pg_trigger t WHERE t.tgrelid IN (${oids}) AND t.tgenabled <> 'D'
      AND (NOT t.tgisinternal OR t.tgparentid <> 0 AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint o WHERE o.oid = t.tgconstraint AND o.contype <> 't'))
  UNION ALL
  SELECT 2, format('ALTER TABLE %s DISABLE RULE %I', r.ev_class::regclass, r.rulename),
      format('ALTER TABLE %s ENABLE %s RULE %I', r.ev_class::regclass,
        CASE r.ev_enabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, r.rulename)
    FROM pg_catalog.pg_rewrite r WHERE r.ev_class IN (${oids}) AND r.ev_enabled <> 'D'
  ORDER BY 1, 2`;

/** Sequences of the tables’ columns never fall behind the rows. */
const SEQUENCES = (oids: string) => `SELECT format(
    'SELECT pg_catalog.setval(%L, greatest(max(%I), s.last_value)) FROM ONLY %s, %s s GROUP BY s.last_value',
    d.objid::regclass, a.attname, d.refobjid::regclass, d.objid::regclass) AS sql
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.deptype IN ('a', 'i') AND d.refobjid IN (${oids})`;

async function replaceRows(
  session: Session,
  ticket: PostgresTicket,
  live: ReadonlyMap<string, CatalogTable>,
  from: string,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const tables = ticket.tables.map((table, index) => {
    const found = live.get(`${table.schema}.${table.name}`);
    if (found === undefined) throw gone(`${table.schema}.${table.name}`, placeOf(session.server.address));
    return { ...found, place: qualified(table.schema, table.name), beside: qualified(from, `t${index}`) };
  });
  const doing = `Replacing the rows of ${tables.map(({ place }) => place).join(', ')}`;
  const places = tables.map(({ place }) => `ONLY ${place}`).join(', ');
  const oids = tables.map(({ oid }) => oid).join(', ');
  const run = async (sql: string) => session.run(sql, doing, 'write-failed');
  try {
    await run(`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await run(`LOCK TABLE ${places} IN ACCESS EXCLUSIVE MODE`);
    const around = await session.rows<{ before: string; after: string }>(AROUND(oids), doing);
    for (const statement of before) await run(statement);
    for (const each of around) await run(each.before);
    await run(`TRUNCATE ${places}`);
    for (const { place, beside, head } of tables) {
      const columns = columnsOf(head.columns);
      await run(`INSERT INTO ${place} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${beside}`);
    }
    // Checks that were put off stand in the way of changing the tables.
    await run('SET CONSTRAINTS ALL IMMEDIATE');
    for (const each of [...around].reverse()) await run(each.after);
    for (const { sql } of await session.rows<{ sql: string }>(SEQUENCES(oids), doing)) await run(sql);
    for (const statement of after) await run(statement);
    await run('COMMIT');
  } catch (error) {
    await session.client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function liveTables(session: Session): Promise<ReadonlyMap<string, CatalogTable>> {
  return new Map((await readTables(session)).map((table) => [nameOf(table.head), table]));
}

function storedTable(source: DumpSource, path: string): DumpedTable {
  const table = source.tables.find((each) => each.path === path);
  if (table === undefined) {
    throw new DatabaseError('not-in-backup', `The backup of “${source.name}” has no ${path}.`, {
      hint: 'Look at the names of its tables with “ls”.',
    });
  }
  if (isLargeObjects(table)) {
    throw new DatabaseError('cannot-hold', 'Large objects come back only with the whole database.');
  }
  return table;
}

/** The live table must have the columns the rows were taken from. */
function checkShape(
  stored: DumpedTable,
  live: CatalogTable | undefined,
  place: string,
): asserts live is CatalogTable {
  if (live === undefined) throw gone(nameOf(stored), place);
  const shape = (columns: readonly { name: string; type: string }[]) =>
    JSON.stringify(columns.map(({ name, type }) => [name, type]));
  if (shape(stored.columns) === shape(live.head.columns) && stored.columns.length > 0) return;
  throw new DatabaseError(
    'cannot-hold',
    `The table ${nameOf(stored)} of ${place} has other columns than in the backup.`,
    {
      hint: 'Restore the whole database, or restore it into another one and copy what you need.',
    },
  );
}

function gone(name: string, place: string): DatabaseError {
  return new DatabaseError('cannot-hold', `There is no table ${name} in ${place} to put the rows into.`, {
    hint: 'Restore the whole database, or restore it into another one and copy what you need.',
  });
}

function columnsOf(columns: readonly { readonly name: string }[]): string {
  return columns.map(({ name }) => identifier(name)).join(', ');
}

function nameOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}
