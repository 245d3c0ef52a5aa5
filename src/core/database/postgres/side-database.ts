import type { Task } from '../../task.ts';
import type { DumpSource } from '../engine.ts';
import { checkDatabase } from './check.ts';
import { loadDatabase, prepareToLoad, rulesFor } from './load.ts';
import { type Grant, type Properties, propertiesOf } from './properties.ts';
import { identifier, literal } from './quote.ts';
import { openSession, serverAt, type Session } from './session.ts';
import { readTargetState, type TargetState } from './target-state.ts';
import { markOf, type PostgresTicket } from './ticket.ts';

/** Connections that load and check. */
const LOADERS = 2;

/**
 * Builds a backup’s database beside the live one and checks it. Cancelled or failed, it leaves what it has built.
 * @param session to another database of the server
 * @throws {DatabaseError} `check-failed`, `no-space`, `connection-lost`, `write-failed`. {CancelledError}
 */
export async function buildDatabase(
  session: Session,
  source: DumpSource,
  ticket: PostgresTicket,
  task: Task,
): Promise<void> {
  const properties = propertiesOf(source.info);
  const state = await readTargetState(session);
  const server = serverAt(session.server.url, session.server.address, task);
  const built = identifier(ticket.built);
  await dropDatabase(session, ticket.built);
  const doing = `Creating the database ${ticket.built}`;
  await session.run(createStatement(ticket.built, properties, session.version, state), doing, 'write-failed');
  await session.run(`COMMENT ON DATABASE ${built} IS ${literal(markOf(ticket))}`, doing, 'write-failed');
  const opened: Session[] = [];
  try {
    for (let number = 0; number < LOADERS; number++) {
      const loader = await openSession(server, task, ticket.built);
      opened.push(loader);
      await prepareToLoad(loader);
    }
    const loaders = opened as [Session, ...Session[]];
    if (!properties.schemas.includes('public')) await loaders[0].run('DROP SCHEMA IF EXISTS public', doing);
    const known = await loadDatabase(loaders, source, properties, rulesFor(state), task);
    await checkDatabase(loaders, source, known, task);
  } finally {
    await Promise.all(opened.map(async (each) => each[Symbol.asyncDispose]()));
  }
  for (const statement of finishing(ticket, properties, state)) {
    await session.run(statement, 'Setting up the database', 'write-failed');
  }
}

/** Removes a database, ending whoever uses it. */
export async function dropDatabase(session: Session, name: string): Promise<void> {
  const [template] = await session.rows(
    `SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(name)} AND datistemplate`,
    'Looking at the databases',
  );
  if (template !== undefined) {
    const sql = `ALTER DATABASE ${identifier(name)} IS_TEMPLATE false`;
    await session.run(sql, `Removing the database ${name}`, 'write-failed');
  }
  await session.run(
    `DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`,
    `Removing the database ${name}`,
    'write-failed',
  );
}

function createStatement(
  name: string,
  properties: Properties,
  version: number,
  { tablespaces }: TargetState,
): string {
  const parts = [
    `CREATE DATABASE ${identifier(name)} TEMPLATE template0 ENCODING ${literal(properties.encoding)}`,
    `LC_COLLATE ${literal(properties.collate)} LC_CTYPE ${literal(properties.ctype)}`,
  ];
  if (version >= 150000) {
    const providers: Record<string, string> = { i: 'icu', b: 'builtin' };
    const provider = providers[properties.provider] ?? 'libc';
    parts.push(`LOCALE_PROVIDER ${provider}`);
    if (properties.locale !== null && provider !== 'libc') {
      parts.push(`${provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE'} ${literal(properties.locale)}`);
    }
    if (properties.icuRules !== null) parts.push(`ICU_RULES ${literal(properties.icuRules)}`);
  }
  const { tablespace } = properties;
  if (tablespace !== null && tablespaces.has(tablespace)) parts.push(`TABLESPACE ${identifier(tablespace)}`);
  return parts.join(' ');
}

/** What a database is beside its content. The owner comes last: it may do everything the others need. */
function finishing(
  { built }: PostgresTicket,
  { settings, grants, connectionLimit, isTemplate, owner }: Properties,
  { roles, grantable }: TargetState,
): string[] {
  const database = identifier(built);
  const statements = settings
    .filter(({ role }) => role === null || roles.has(role))
    .map(({ role, name, value }) => {
      const whose =
        role === null ? `DATABASE ${database}` : `ROLE ${identifier(role)} IN DATABASE ${database}`;
      return `ALTER ${whose} SET ${name.split('.').map(identifier).join('.')} TO ${settingValue(name, value)}`;
    });
  if (connectionLimit >= 0) statements.push(`ALTER DATABASE ${database} CONNECTION LIMIT ${connectionLimit}`);
  if (isTemplate) statements.push(`ALTER DATABASE ${database} IS_TEMPLATE true`);
  if (grants !== null) statements.push(...grantStatements(database, grants, owner, roles));
  if (grantable.has(owner)) statements.push(`ALTER DATABASE ${database} OWNER TO ${identifier(owner)}`);
  return statements;
}

/** Settings that are lists of names; their values are stored with quotes where they need them. */
const LISTS = [
  'search_path',
  'session_preload_libraries',
  'local_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
];

function settingValue(name: string, value: string): string {
  if (!LISTS.includes(name.toLowerCase())) return literal(value);
  return value === '' || value === '""' ? "''" : value;
}

function grantStatements(
  database: string,
  grants: readonly Grant[],
  owner: string,
  roles: ReadonlySet<string>,
): string[] {
  const given = grants
    .filter(({ grantee }) => grantee !== owner && (grantee === null || roles.has(grantee)))
    .map(
      ({ grantee, privilege, grantable }) =>
        `GRANT ${privilege} ON DATABASE ${database} TO ${grantee === null ? 'PUBLIC' : identifier(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`,
    );
  return [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`, ...given];
}
