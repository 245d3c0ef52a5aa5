import { DatabaseError } from '../error.ts';
import type { DatabaseInfo } from '../engine.ts';
import type { ServerAddress } from './address.ts';
import { nearestCollation, readCollations } from './collations.ts';
import type { Dumped } from './dumped.ts';
import { isStored } from './fitted-objects.ts';
import { readPrivileges } from './privileges.ts';
import { oneValue, type Session } from './session.ts';
import { findDefiner, findNeeds } from './statement.ts';
import type { StoredObject } from './stored-object.ts';
import type { Ticket } from './ticket.ts';

/** How a server can hold what a backup has. */
export interface Fit {
  readonly collations: Readonly<Record<string, string>>;
  readonly lostDefiners: readonly string[];
  readonly notices: readonly string[];
}

const NEEDED = ['SELECT', 'CREATE', 'DROP', 'ALTER', 'INSERT', 'INDEX', 'REFERENCES'];
const KIND_NEEDS: Readonly<Record<string, readonly string[]>> = {
  view: ['CREATE VIEW', 'SHOW VIEW'],
  trigger: ['TRIGGER'],
  event: ['EVENT'],
  function: ['CREATE ROUTINE', 'ALTER ROUTINE'],
  procedure: ['CREATE ROUTINE', 'ALTER ROUTINE'],
};

/**
 * Finds out, before anything is touched, whether a server can hold what a backup has.
 * @param taken the live database's objects that would have to be made again if the restore were taken back
 * @throws {DatabaseError} `cannot-hold`, `missing-privilege`.
 */
export async function fit(
  session: Session,
  server: ServerAddress,
  info: DatabaseInfo,
  dumped: Dumped,
  taken: readonly StoredObject[],
  schemas: Pick<Ticket, 'database' | 'newSchema' | 'oldSchema'>,
): Promise<Fit> {
  const made = [...dumped.objects, ...taken];
  await mustHavePrivileges(session, made, schemas);
  await mustHaveEngines(session, server, dumped);
  const { collations, notices } = await fitCollations(session, server, info, dumped);
  const lostDefiners = await findLostDefiners(session, made);
  const toldDefiners = definersOf(dumped.objects);
  return {
    collations,
    lostDefiners,
    notices: [
      ...notices,
      ...lostDefiners
        .filter((account) => toldDefiners.has(account))
        .map(
          (account) =>
            `Views, triggers, routines or events of “${account}”, who does not exist there or may not be named, will belong to the account that restores.`,
        ),
    ],
  };
}

async function mustHavePrivileges(
  session: Session,
  objects: readonly StoredObject[],
  { database, newSchema, oldSchema }: Pick<Ticket, 'database' | 'newSchema' | 'oldSchema'>,
): Promise<void> {
  const { account, has } = await readPrivileges(session, database);
  const needed = new Set([...NEEDED, ...objects.flatMap(({ kind }) => KIND_NEEDS[kind] ?? [])]);
  const missing = [...needed].filter((privilege) => !has(privilege));
  if (missing.length > 0) {
    throw new DatabaseError(
      'missing-privilege',
      `${account} lacks ${missing.join(', ')} on “${database}”, which a restore needs.`,
      { hint: `GRANT ${missing.join(', ')} ON \`${database}\`.* TO ${account}` },
    );
  }
  if ([newSchema, oldSchema].some((schema) => [...needed].some((privilege) => !has(privilege, schema)))) {
    throw new DatabaseError(
      'missing-privilege',
      `${account} may not create the databases beside “${database}” in which a restore builds and keeps.`,
      { hint: `GRANT ALL ON \`crm\\_backup\\_%\`.* TO ${account}` },
    );
  }
  const firing = objects.some(({ kind }) => kind === 'trigger' || kind === 'function');
  const logged = await oneValue(
    session,
    'SELECT @@GLOBAL.log_bin AND NOT @@GLOBAL.log_bin_trust_function_creators',
  );
  if (
    firing &&
    logged === '1' &&
    !has('SUPER', '*') &&
    !has('SET_USER_ID', '*') &&
    !has('SET_ANY_DEFINER', '*')
  ) {
    throw new DatabaseError(
      'missing-privilege',
      `${account} may not create triggers and functions on this server.`,
      {
        hint: 'SET GLOBAL log_bin_trust_function_creators = 1, or restore with an account that has SUPER.',
      },
    );
  }
}

async function mustHaveEngines(
  { wire }: Session,
  { place }: ServerAddress,
  { objects }: Dumped,
): Promise<void> {
  const has = new Set(
    (await wire.query('SHOW ENGINES'))
      .filter(([, support]) => support === 'YES' || support === 'DEFAULT')
      .map(([name]) => (name ?? '').toLowerCase()),
  );
  for (const { kind, name, statement } of objects) {
    if (kind !== 'table') continue;
    const lacking = findNeeds(statement).engines.find((engine) => !has.has(engine.toLowerCase()));
    if (lacking === undefined) continue;
    throw new DatabaseError(
      'cannot-hold',
      `Table “${name}” needs the storage engine ${lacking}, which the server of ${place} has not.`,
      {
        hint: 'Install the engine there, or restore to another server.',
      },
    );
  }
}

async function fitCollations(
  session: Session,
  { place, nearestCollations }: ServerAddress,
  info: DatabaseInfo,
  { objects }: Dumped,
): Promise<Pick<Fit, 'collations' | 'notices'>> {
  const has = await readCollations(session);
  const charsets = new Set((await session.wire.query('SHOW CHARACTER SET')).map(([name]) => name ?? ''));
  const wanted = new Set<string>(info.collation === undefined ? [] : [info.collation]);
  for (const { kind, name, statement, settings } of objects) {
    for (const one of [settings?.collation, settings?.databaseCollation])
      if (one !== undefined) wanted.add(one);
    if (kind !== 'table') continue;
    const needs = findNeeds(statement);
    for (const collation of needs.collations) wanted.add(collation);
    const lacking = needs.charsets.find((charset) => !charsets.has(charset));
    if (lacking === undefined) continue;
    throw new DatabaseError(
      'cannot-hold',
      `Table “${name}” needs the charset ${lacking}, which the server of ${place} has not.`,
      {
        hint: 'Restore to a server of the kind the backup came from.',
      },
    );
  }
  const lacking = [...wanted].filter((collation) => !has.has(collation));
  const nearest = lacking.map((collation) => [collation, nearestCollation(collation, has)] as const);
  const without = nearest.find(([, near]) => near === undefined || !nearestCollations);
  if (without !== undefined) {
    const [collation, near] = without;
    throw new DatabaseError('cannot-hold', `The server of ${place} has no collation ${collation}.`, {
      hint:
        near === undefined
          ? 'Restore to a server of the kind the backup came from.'
          : `Add “collations=nearest” to the parameters of its “url” to restore with ${near} instead.`,
    });
  }
  return {
    collations: Object.fromEntries(nearest.map(([collation, near]) => [collation, near ?? collation])),
    notices: nearest.map(
      ([collation, near]) => `Collation ${collation} becomes ${near ?? ''}: the server lacks it.`,
    ),
  };
}

/** Accounts that do not exist, or in whose name this one may make nothing. */
/** The accounts that views, triggers, routines and events belong to. */
function definersOf(objects: readonly StoredObject[]): ReadonlySet<string> {
  return new Set(
    objects.flatMap((object) => (isStored(object) ? [] : (findDefiner(object.statement)?.account ?? []))),
  );
}

async function findLostDefiners(session: Session, objects: readonly StoredObject[]): Promise<string[]> {
  const definers = definersOf(objects);
  if (definers.size === 0) return [];
  const own = await oneValue(session, 'SELECT CURRENT_USER()');
  const { has } = await readPrivileges(session, '*');
  const mayNameOthers = ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'].some((privilege) =>
    has(privilege, '*'),
  );
  let accounts: ReadonlySet<string> | undefined;
  try {
    const rows = await session.wire.query('SELECT User, Host FROM mysql.user');
    accounts = new Set(
      rows.map(([user, host]) => (host === '' ? (user ?? '') : `${user ?? ''}@${host ?? ''}`)),
    );
  } catch {
    // Who may not see the accounts can only go by what it may do.
  }
  return [...definers]
    .filter((account) => account !== own && (!mayNameOthers || accounts?.has(account) === false))
    .sort();
}
