import type { Task } from '../../task.ts';
import type { DumpSource, RestoreRequest } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { placeOf } from './address.ts';
import { OWN_SCHEMAS } from './catalog.ts';
import { checkDatabase } from './check.ts';
import { loadDatabase, prepareToLoad, rulesFor } from './load.ts';
import { besideName, checkServer, type PostgresPlan, roleNotices } from './plan.ts';
import { type Properties, propertiesOf } from './properties.ts';
import { identifier } from './quote.ts';
import { hasSchema, type Session } from './session.ts';
import { checkSessions, otherSessions, readTargetState } from './target-state.ts';
import type { PostgresTicket } from './ticket.ts';

interface SchemaRow {
  readonly name: string;
  readonly owned: string;
}

/**
 * Plans the restore of a whole database for a user that may not create one: new schemas are built beside those of the
 * live database, and change names with them.
 * @param session to the live database
 * @throws {DatabaseError} `cannot-hold`, `missing-privilege`, `in-use`.
 */
export async function planSchemas(
  session: Session,
  source: DumpSource,
  request: RestoreRequest,
): Promise<PostgresPlan> {
  const properties = propertiesOf(source.info);
  const state = await readTargetState(session);
  const { address } = session.server;
  const place = placeOf(address);
  checkServer(session, properties, state, place);
  await checkFits(session, source, properties, place);
  const schemas = await schemasOf(session);
  const foreign = schemas.filter(({ owned }) => owned !== 'true').map(({ name }) => name);
  if (foreign.length > 0) {
    throw new DatabaseError(
      'missing-privilege',
      `“${state.user}” may neither create databases nor replace the schema ${foreign.join(', ')} of ${place}.`,
      { hint: `Run as an administrator: ALTER ROLE ${identifier(state.user)} CREATEDB;` },
    );
  }
  const sessions = await otherSessions(session, address.database);
  checkSessions(sessions, place, request.mayEndSessions);
  return {
    ticket: {
      mode: 'schemas',
      live: address.database,
      built: besideName('crm_backup', 'new', request.restoreId),
      old: besideName('crm_backup', 'old', request.restoreId),
      creates: false,
      mayEndSessions: request.mayEndSessions,
      comment: null,
      schemas: properties.schemas,
      oldSchemas: schemas.map(({ name }) => name),
      tables: [],
    },
    target: place,
    creates: false,
    tables: source.tables.length,
    notices: [
      `“${state.user}” may not create databases: new schemas are built inside ${place}, and its own settings and grants stay as they are.`,
      ...(sessions.number > 0 ? [`${sessions.number} other sessions on ${place} will be ended.`] : []),
      ...properties.notes,
      ...roleNotices(properties, state),
    ],
  };
}

/** What belongs to a database as a whole cannot stand twice in one. */
async function checkFits(
  session: Session,
  source: DumpSource,
  properties: Properties,
  place: string,
): Promise<void> {
  const objects = source.info.objects;
  const whole = ['large object', 'event trigger', 'publication'].filter((kind) => (objects[kind] ?? 0) > 0);
  const installed = await session.rows<{ name: string; schema: string }>(
    'SELECT e.extname AS name, n.nspname AS schema FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace',
    'Looking at the extensions',
  );
  const names = (extensions: readonly { name: string }[]) =>
    extensions
      .map(({ name }) => name)
      .sort()
      .join();
  const within = [...properties.extensions, ...installed].filter(({ schema }) => schema !== 'pg_catalog');
  if (within.length > 0 || names(installed) !== names(properties.extensions)) whole.push('extension');
  if (whole.length === 0) return;
  throw new DatabaseError(
    'cannot-hold',
    `The backup has objects of the kind “${whole.join(', ')}”, which cannot be built beside those of ${place} in one database.`,
    { hint: `Run as an administrator: ALTER ROLE ${identifier(session.server.address.user)} CREATEDB;` },
  );
}

async function schemasOf(session: Session): Promise<SchemaRow[]> {
  return session.rows<SchemaRow>(
    `SELECT n.nspname AS name, (pg_catalog.pg_has_role(n.nspowner, 'USAGE')
       AND pg_catalog.has_database_privilege(current_database(), 'CREATE'))::text AS owned
     FROM pg_catalog.pg_namespace n WHERE ${OWN_SCHEMAS} ORDER BY n.nspname COLLATE "C"`,
    'Looking at the schemas',
  );
}

/**
 * Builds the schemas in one transaction, in which the live ones step aside, and checks them. Nobody else sees the live
 * ones gone. Failed or cancelled, it leaves nothing.
 * @throws {DatabaseError} `check-failed`, `no-space`, `connection-lost`, `write-failed`. {CancelledError}
 */
export async function buildSchemas(
  session: Session,
  source: DumpSource,
  ticket: PostgresTicket,
  task: Task,
): Promise<void> {
  const properties = propertiesOf(source.info);
  const state = await readTargetState(session);
  const doing = 'Creating the schemas';
  await clearSchemas(session, ticket);
  await prepareToLoad(session);
  try {
    await session.run('BEGIN', doing);
    await session.run(aside(ticket).join('; '), doing, 'write-failed');
    // pg_dump takes it for granted.
    if (ticket.schemas.includes('public')) {
      const rights = session.version >= 150000 ? 'USAGE' : 'USAGE, CREATE';
      await session.run(
        `CREATE SCHEMA public; GRANT ${rights} ON SCHEMA public TO PUBLIC`,
        doing,
        'write-failed',
      );
    }
    const known = await loadDatabase([session], source, properties, rulesFor(state), task);
    await checkDatabase([session], source, known, task);
    await session.run([...takeAway(ticket), ...back(ticket)].join('; '), doing, 'write-failed');
    await session.run('COMMIT', doing, 'write-failed');
  } catch (error) {
    await session.client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Exchanges the names of the live and the built schemas in one transaction. */
export async function switchSchemas(session: Session, ticket: PostgresTicket): Promise<void> {
  if (await areSchemasSwitched(session, ticket)) return;
  if (!(await isBuilt(session, ticket))) {
    throw new DatabaseError(
      'check-failed',
      `There are no schemas to put in the place of those of ${ticket.live}.`,
    );
  }
  await exchange(session, ticket, [...aside(ticket), ...putIn(ticket)]);
}

/** Exchanges them again; does nothing when the old ones are in their place. */
export async function switchSchemasBack(session: Session, ticket: PostgresTicket): Promise<void> {
  if (await areSchemasSwitched(session, ticket))
    await exchange(session, ticket, [...takeAway(ticket), ...back(ticket)]);
}

/** Removes the schemas that stand beside. */
export async function clearSchemas(
  session: Session,
  { schemas, oldSchemas, built, old }: PostgresTicket,
): Promise<void> {
  const beside = [
    ...schemas.map((_, index) => `${built}_${index}`),
    ...oldSchemas.map((_, index) => `${old}_${index}`),
  ];
  for (const schema of beside) {
    await session.run(`DROP SCHEMA IF EXISTS ${identifier(schema)} CASCADE`, `Removing the schema ${schema}`);
  }
}

/** After a switch nothing but the old schemas stands beside; they stay, and their names come back. */
export async function keepLiveSchemas(
  session: Session,
  { oldSchemas, old }: PostgresTicket,
): Promise<string | undefined> {
  return Promise.resolve(
    `schemas ${oldSchemas.map((_, index) => `${old}_${index}`).join(', ')} of ${placeOf(session.server.address)}`,
  );
}

async function isBuilt(session: Session, { schemas, built }: PostgresTicket): Promise<boolean> {
  return schemas.length > 0 && (await hasSchema(session, `${built}_0`));
}

/** Whether the built schemas are the live ones. */
export async function areSchemasSwitched(
  session: Session,
  { oldSchemas, old }: PostgresTicket,
): Promise<boolean> {
  return oldSchemas.length > 0 && (await hasSchema(session, `${old}_0`));
}

async function exchange(session: Session, ticket: PostgresTicket, renames: readonly string[]): Promise<void> {
  const place = placeOf(session.server.address);
  checkSessions(await otherSessions(session, ticket.live), place, ticket.mayEndSessions);
  const doing = `Switching ${place}`;
  try {
    await session.run(`BEGIN; ${renames.join('; ')}`, doing, 'write-failed');
    // What others have begun would go on in the old tables.
    await session.rows(
      `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
       WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()`,
      doing,
    );
    await session.run('COMMIT', doing, 'write-failed');
  } catch (error) {
    await session.client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function rename(from: string, to: string): string {
  return `ALTER SCHEMA ${identifier(from)} RENAME TO ${identifier(to)}`;
}

const aside = ({ oldSchemas, old }: PostgresTicket) =>
  oldSchemas.map((name, index) => rename(name, `${old}_${index}`));
const back = ({ oldSchemas, old }: PostgresTicket) =>
  oldSchemas.map((name, index) => rename(`${old}_${index}`, name));
const putIn = ({ schemas, built }: PostgresTicket) =>
  schemas.map((name, index) => rename(`${built}_${index}`, name));
const takeAway = ({ schemas, built }: PostgresTicket) =>
  schemas.map((name, index) => rename(name, `${built}_${index}`));
