import type { Task } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import type { DatabaseCheck, DatabaseDescription } from '../engine.ts';
import { OWN_SCHEMAS } from './catalog.ts';
import { grantToRead } from './privileges.ts';
import { productOf } from './product.ts';
import { identifier } from './quote.ts';
import type { Session } from './session.ts';
import { findClientTools, type ToolPlace } from './tools.ts';

const OLDEST = 13;
const NEWEST = 18;

interface Privileges {
  readonly user: string;
  readonly bytes: string;
  readonly createsDatabases: string;
  readonly superuser: string;
  readonly database: string;
  readonly ownsDatabase: string;
  readonly unreadable: string | null;
  /** As a list in JSON. */
  readonly unreadableSchemas: string | null;
  readonly filtered: string | null;
  readonly foreign: string | null;
}

const UNREADABLE = `FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${OWN_SCHEMAS} AND c.relkind IN ('r', 'S') AND c.relpersistence <> 't'
        AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind
          WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
          ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END)`;

const PRIVILEGES = `SELECT current_user::text AS user, pg_catalog.pg_database_size(current_database())::text AS bytes,
    (r.rolcreatedb OR r.rolsuper)::text AS "createsDatabases", r.rolsuper::text AS superuser,
    current_database()::text AS database,
    (SELECT (pg_catalog.pg_has_role(datdba, 'USAGE') OR r.rolsuper)::text FROM pg_catalog.pg_database
      WHERE datname = current_database()) AS "ownsDatabase",
    (SELECT string_agg(n.nspname || '.' || c.relname, ', ' ORDER BY 1) ${UNREADABLE}) AS unreadable,
    (SELECT json_agg(DISTINCT n.nspname)::text ${UNREADABLE}) AS "unreadableSchemas",
    (SELECT string_agg(n.nspname || '.' || c.relname, ', ') FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${OWN_SCHEMAS} AND c.relkind = 'r' AND c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
        AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(c.relowner, 'USAGE'))) AS filtered,
    (SELECT string_agg(n.nspname || '.' || c.relname, ', ') FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE ${OWN_SCHEMAS} AND c.relkind = 'f') AS foreign
  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`;

/** Who answers, and whether a backup and a restore have what they need. */
export async function describe(
  session: Session,
  toolPlace: ToolPlace,
  task: Task,
): Promise<DatabaseDescription> {
  const [found] = await session.rows<Privileges>(PRIVILEGES, 'Asking for the privileges');
  const checks = [
    versionCheck(session.version),
    await toolCheck(session, toolPlace, task),
    ...privilegeChecks(found!, session.version),
  ];
  return { product: productOf(session.version), bytes: Number(found!.bytes), checks };
}

function versionCheck(version: number): DatabaseCheck {
  const major = Math.floor(version / 10_000);
  const name = 'server version';
  const detail = `${productOf(version)} answers.`;
  if (major >= OLDEST && major <= NEWEST) return { name, status: 'ok', detail, hint: '' };
  const hint = `CRM Backup is made for PostgreSQL ${OLDEST} to ${NEWEST}; check a restore before you rely on it.`;
  return { name, status: 'warning', detail, hint };
}

async function toolCheck(session: Session, place: ToolPlace, task: Task): Promise<DatabaseCheck> {
  const name = 'client tools';
  try {
    const tools = await findClientTools(session.version, place, session.server.address, task);
    return {
      name,
      status: 'ok',
      detail: `pg_dump ${tools.version} ${tools.place} fits the server.`,
      hint: '',
    };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { name, status: 'failed', detail: error.message, hint: error.hint ?? '' };
  }
}

function privilegeChecks(privileges: Privileges, version: number): DatabaseCheck[] {
  const { user, unreadable, unreadableSchemas, filtered, foreign } = privileges;
  const schemas = JSON.parse(unreadableSchemas ?? '[]') as string[];
  const role = identifier(user);
  const checks: DatabaseCheck[] = [
    unreadable === null
      ? {
          name: 'privilege to read',
          status: 'ok',
          detail: `“${user}” may read every table and sequence.`,
          hint: '',
        }
      : {
          name: 'privilege to read',
          status: 'failed',
          detail: `“${user}” may not read ${shortened(unreadable)}.`,
          hint: `Run as an administrator: ${grantToRead(user, version, schemas)}`,
        },
  ];
  if (filtered !== null) {
    checks.push({
      name: 'row-level security',
      status: 'failed',
      detail: `Policies hide rows of ${shortened(filtered)} from “${user}”.`,
      hint: `Run as an administrator: ALTER ROLE ${role} BYPASSRLS;`,
    });
  }
  if (foreign !== null) {
    checks.push({
      name: 'foreign tables',
      status: 'warning',
      detail: `The rows of ${shortened(foreign)} belong to other servers and are not backed up.`,
      hint: 'Back those servers up as databases of their own.',
    });
  }
  checks.push(restoreCheck(privileges));
  return checks;
}

function restoreCheck({ user, createsDatabases, database, ownsDatabase }: Privileges): DatabaseCheck {
  const name = 'privilege to restore';
  const role = identifier(user);
  if (createsDatabases !== 'true') {
    return {
      name,
      status: 'warning',
      detail: `“${user}” may not create databases, so a restore builds new schemas inside the live one.`,
      hint: `Run as an administrator: ALTER ROLE ${role} CREATEDB;`,
    };
  }
  if (ownsDatabase !== 'true') {
    return {
      name,
      status: 'warning',
      detail: `“${user}” may create databases, but only the owner of “${database}” may put another in its place.`,
      hint: `Run as an administrator: ALTER DATABASE ${identifier(database)} OWNER TO ${role};`,
    };
  }
  return { name, status: 'ok', detail: `“${user}” may put a new database in the place of this.`, hint: '' };
}

function shortened(list: string): string {
  const names = list.split(', ');
  return names.length <= 5 ? list : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
