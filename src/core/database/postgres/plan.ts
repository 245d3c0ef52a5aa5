import type { DatabasePlan, DumpSource, RestoreRequest } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { placeOf } from './address.ts';
import { checkObstacles } from './obstacles.ts';
import { productOf } from './product.ts';
import { type Properties, propertiesOf } from './properties.ts';
import type { Session } from './session.ts';
import {
  checkSessions,
  normalizedLocale,
  otherSessions,
  readTargetState,
  type TargetState,
} from './target-state.ts';
import type { PostgresTicket } from './ticket.ts';

/** PostgreSQL cuts names at this many bytes. */
const LONGEST_NAME = 63;

/** A plan whose ticket has its type. */
export interface PostgresPlan extends DatabasePlan {
  readonly ticket: PostgresTicket & Readonly<Record<string, unknown>>;
}

/**
 * Plans the restore of a whole database. Everything that can be known before is looked at; nothing is changed.
 * @param session to another database of the server
 * @throws {DatabaseError} `cannot-hold`, `missing-privilege`, `in-use`.
 */
export async function planDatabase(
  session: Session,
  source: DumpSource,
  request: RestoreRequest,
): Promise<PostgresPlan> {
  const properties = propertiesOf(source.info);
  const state = await readTargetState(session);
  const live = session.server.address.database;
  const place = placeOf(session.server.address);
  const existing = state.databases.get(live);
  checkServer(session, properties, state, place);
  if (existing !== undefined && !existing.owned && !state.superuser) {
    throw new DatabaseError(
      'missing-privilege',
      `Only the owner of ${place} may put another database in its place.`,
      {
        hint: `Restore as its owner, or let an administrator: ALTER DATABASE "${live}" OWNER TO "${state.user}";`,
      },
    );
  }
  if (existing !== undefined) await checkObstacles(session, live, place);
  const sessions = await otherSessions(session, live);
  checkSessions(sessions, place, request.mayEndSessions);
  const notices = [...properties.notes, ...roleNotices(properties, state)];
  if (sessions.number > 0) {
    notices.unshift(
      `${sessions.number} other ${sessions.number === 1 ? 'session' : 'sessions'} on ${place} will be ended.`,
    );
  }
  return {
    ticket: {
      mode: 'database',
      live,
      built: besideName(live, 'new', request.restoreId),
      old: besideName(live, 'old', request.restoreId),
      creates: existing === undefined,
      mayEndSessions: request.mayEndSessions,
      comment: properties.comment,
      schemas: [],
      oldSchemas: [],
      tables: [],
    },
    target: place,
    creates: existing === undefined,
    tables: source.tables.length,
    notices,
  };
}

/** A name for what stands beside something else during a restore. */
export function besideName(name: string, what: 'new' | 'old', restoreId: string): string {
  const end = `_${what}_${restoreId}`;
  let start = name;
  while (Buffer.byteLength(start + end) > LONGEST_NAME) start = start.replace(/.$/su, '');
  return start + end;
}

/**
 * Whether the server can hold what the backup has.
 * @throws {DatabaseError} `cannot-hold`, `missing-privilege`.
 */
export function checkServer(
  session: Session,
  properties: Properties,
  state: TargetState,
  place: string,
): void {
  const cannot = (why: string, hint: string) =>
    new DatabaseError('cannot-hold', `The backup cannot be restored to ${place}: ${why}.`, { hint });
  if (Math.floor(properties.version / 10_000) > Math.floor(session.version / 10_000)) {
    throw cannot(
      `it was taken from ${productOf(properties.version)}, and the server is the older ${productOf(session.version)}`,
      'Restore to a server of that version or a newer one.',
    );
  }
  for (const { name } of properties.extensions) {
    const available = state.extensions.get(name);
    if (available === undefined) {
      throw cannot(
        `its extension “${name}” is not installed on the server`,
        `Install the package that has “${name}”.`,
      );
    }
    if (!available.trusted && !state.superuser && name !== 'plpgsql') {
      throw new DatabaseError(
        'missing-privilege',
        `Only an administrator may create the backup’s extension “${name}”.`,
        {
          hint: 'Restore as an administrator.',
        },
      );
    }
  }
  const locales = properties.provider === 'c' ? [properties.collate, properties.ctype] : [];
  for (const locale of locales) {
    if (!state.locales.has(normalizedLocale(locale)) && !['C', 'POSIX'].includes(locale)) {
      throw cannot(
        `the server has no locale “${locale}”`,
        `Install the locale (Debian: dpkg-reconfigure locales).`,
      );
    }
  }
  for (const collation of properties.collations) {
    if (!state.collations.has(collation)) {
      throw cannot(
        `the server has no collation “${collation}”`,
        "Install the locale, then run: SELECT pg_import_system_collations('pg_catalog');",
      );
    }
  }
  for (const role of properties.policyRoles) {
    if (!state.roles.has(role)) {
      throw cannot(
        `its policies speak of the role “${role}”, which the server does not have`,
        `Create it: CREATE ROLE "${role}";`,
      );
    }
  }
}

/** What will belong to others than in the backup. */
export function roleNotices(properties: Properties, state: TargetState): string[] {
  const list = (names: readonly string[]) => names.map((name) => `“${name}”`).join(', ');
  const missing = properties.roles.filter((role) => !state.roles.has(role));
  const beyond = properties.roles.filter((role) => state.roles.has(role) && !state.grantable.has(role));
  const notices: string[] = [];
  if (missing.length > 0) {
    notices.push(
      `The server has no role ${list(missing)}: what it owned will belong to “${state.user}”, and its grants are left out.`,
    );
  }
  if (beyond.length > 0) {
    notices.push(
      `“${state.user}” may give nothing to ${list(beyond)}: what it owned will belong to “${state.user}”.`,
    );
  }
  const tablespaces = properties.tablespaces.filter((name) => !state.tablespaces.has(name));
  if (tablespaces.length > 0)
    notices.push(
      `The server has no tablespace ${list(tablespaces)} that “${state.user}” may use: the default one is used.`,
    );
  return notices;
}
