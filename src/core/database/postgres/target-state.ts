import { DatabaseError } from '../error.ts';
import { OWN_SCHEMAS } from './catalog.ts';
import { literal } from './quote.ts';
import type { Session } from './session.ts';

/** What the server that is restored to has and allows. */
export interface TargetState {
  readonly user: string;
  readonly superuser: boolean;
  readonly createsDatabases: boolean;
  readonly roles: ReadonlySet<string>;
  /** Roles the user may give things to. */
  readonly grantable: ReadonlySet<string>;
  /** Those the user may put things into. */
  readonly tablespaces: ReadonlySet<string>;
  readonly databases: ReadonlyMap<string, { readonly owned: boolean; readonly comment: string | null }>;
  readonly locales: ReadonlySet<string>;
  readonly collations: ReadonlySet<string>;
  readonly extensions: ReadonlyMap<string, { readonly trusted: boolean }>;
}

interface StateRow {
  user: string;
  superuser: boolean;
  createsDatabases: boolean;
  roles: { name: string; grantable: boolean }[];
  tablespaces: string[] | null;
  databases: { name: string; owned: boolean; comment: string | null }[];
  locales: string[] | null;
  collations: string[] | null;
  extensions: { name: string; trusted: boolean }[] | null;
}

const stateQuery = (version: number) => `SELECT json_build_object(
    'user', r.rolname, 'superuser', r.rolsuper, 'createsDatabases', r.rolcreatedb OR r.rolsuper,
    'roles', (SELECT json_agg(json_build_object('name', rolname, 'grantable',
      pg_catalog.pg_has_role(oid, '${version >= 160000 ? 'SET' : 'MEMBER'}') OR r.rolsuper)) FROM pg_catalog.pg_roles),
    'tablespaces', (SELECT json_agg(spcname) FROM pg_catalog.pg_tablespace
      WHERE pg_catalog.has_tablespace_privilege(oid, 'CREATE')),
    'databases', (SELECT json_agg(json_build_object('name', datname, 'owned', pg_catalog.pg_has_role(datdba, 'USAGE'),
      'comment', pg_catalog.shobj_description(oid, 'pg_database'))) FROM pg_catalog.pg_database),
    'locales', (SELECT json_agg(DISTINCT l) FROM (
      SELECT unnest(ARRAY[collcollate, collctype]) AS l FROM pg_catalog.pg_collation WHERE collcollate IS NOT NULL
      UNION SELECT unnest(ARRAY[datcollate, datctype]) FROM pg_catalog.pg_database) l),
    'collations', (SELECT json_agg(DISTINCT collname) FROM pg_catalog.pg_collation),
    'extensions', (SELECT json_agg(json_build_object('name', name, 'trusted', trusted OR NOT superuser))
      FROM (SELECT name, bool_or(trusted) AS trusted, bool_and(superuser) AS superuser
        FROM pg_catalog.pg_available_extension_versions GROUP BY name) e)
  )::text AS state FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`;

/** Reads what the server has and allows. */
export async function readTargetState(session: Session): Promise<TargetState> {
  const [found] = await session.rows<{ state: string }>(stateQuery(session.version), 'Looking at the server');
  const state = JSON.parse(found!.state) as StateRow;
  return {
    user: state.user,
    superuser: state.superuser,
    createsDatabases: state.createsDatabases,
    roles: new Set(state.roles.map(({ name }) => name)),
    grantable: new Set(state.roles.filter(({ grantable }) => grantable).map(({ name }) => name)),
    tablespaces: new Set(state.tablespaces ?? []),
    databases: new Map(state.databases.map(({ name, ...rest }) => [name, rest])),
    locales: new Set((state.locales ?? []).map(normalizedLocale)),
    collations: new Set(state.collations),
    extensions: new Map((state.extensions ?? []).map(({ name, trusted }) => [name, { trusted }])),
  };
}

const OF_EXTENSION = `EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = o.oid AND d.deptype = 'e')`;

const anyOf = (catalog: string, schema: string): string =>
  `EXISTS (SELECT FROM pg_catalog.${catalog} o JOIN pg_catalog.pg_namespace n ON n.oid = o.${schema}
    WHERE ${OWN_SCHEMAS} AND NOT ${OF_EXTENSION})`;

/** Whether anybody has made anything in a database, but for extensions. */
const HOLDS_ANY = `SELECT (${[
  anyOf('pg_class', 'relnamespace'),
  anyOf('pg_proc', 'pronamespace'),
  anyOf('pg_type', 'typnamespace'),
  'EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)',
].join(' OR ')})::text AS any`;

/** Whether nobody has made anything in the session’s database yet. */
export async function isEmpty(session: Session): Promise<boolean> {
  const [found] = await session.rows<{ any: string }>(HOLDS_ANY, 'Looking whether the database is empty');
  return found?.any === 'false';
}

/** One spelling for `en_US.UTF-8`, `en_US.utf8`. */
export function normalizedLocale(locale: string): string {
  const [name = '', encoding] = locale.split('.');
  return encoding === undefined ? name : `${name}.${encoding.toLowerCase().replaceAll('-', '')}`;
}

/** Sessions of others in a database. */
export interface OtherSessions {
  readonly number: number;
  /** Programs they come from, as far as they say so. */
  readonly programs: readonly string[];
  /** How many of them the user may not end. */
  readonly beyondReach: number;
}

/** Who else uses a database now. */
export async function otherSessions(session: Session, database: string): Promise<OtherSessions> {
  const [found] = await session.rows<{ number: string; programs: string | null; beyond: string }>(
    `SELECT count(*)::text AS number, string_agg(DISTINCT nullif(a.application_name, ''), ', ') AS programs,
      count(*) FILTER (WHERE NOT (me.rolsuper OR (
        (pg_catalog.pg_has_role(a.usesysid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))
        AND NOT coalesce(them.rolsuper, false))))::text AS beyond
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles me ON me.rolname = current_user
    LEFT JOIN pg_catalog.pg_roles them ON them.oid = a.usesysid
    WHERE a.datname = ${literal(database)} AND a.pid <> pg_catalog.pg_backend_pid() AND a.usesysid IS NOT NULL`,
    'Looking for other sessions',
  );
  return {
    number: Number(found!.number),
    programs: found!.programs?.split(', ') ?? [],
    beyondReach: Number(found!.beyond),
  };
}

/** An error unless the sessions of others may and can be ended. */
export function checkSessions(sessions: OtherSessions, place: string, mayEnd: boolean): void {
  if (sessions.number === 0) return;
  const from = sessions.programs.length === 0 ? '' : ` (${sessions.programs.slice(0, 5).join(', ')})`;
  const who = `${sessions.number} other ${sessions.number === 1 ? 'session uses' : 'sessions use'} ${place}${from}`;
  if (!mayEnd) {
    throw new DatabaseError(
      'in-use',
      `${who}; a restore would have to end ${sessions.number === 1 ? 'it' : 'them'}.`,
      {
        hint: 'Stop the CRM and other programs that use the database, or agree that their sessions are ended.',
      },
    );
  }
  if (sessions.beyondReach > 0) {
    throw new DatabaseError(
      'in-use',
      `${who}, and ${sessions.beyondReach} of them may not be ended by this user.`,
      {
        hint: 'Stop those programs, or let an administrator: GRANT pg_signal_backend TO the user.',
      },
    );
  }
}
