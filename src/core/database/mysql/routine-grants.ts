import type { RoutineGrant } from './journal.ts';
import { readPrivileges } from './privileges.ts';
import { quoteName, quoteTable, quoteText } from './quote.ts';
import { oneValue, type Session } from './session.ts';
import { type Exchange, isRoutine } from './staying-routines.ts';
import type { StoredObject } from './stored-object.ts';
import { ServerRefusal } from './wire.ts';

const MOST_NAMED = 5;

/** What accounts and roles were granted on single routines of a database; undefined where that may not be read. */
export async function readRoutineGrants(
  { wire }: Session,
  database: string,
): Promise<readonly RoutineGrant[] | undefined> {
  let rows;
  try {
    rows = await wire.query(
      `SELECT User, Host, Routine_type, Routine_name, Proc_priv FROM mysql.procs_priv WHERE Db = ${quoteText(database)}`,
    );
  } catch (error) {
    if (error instanceof ServerRefusal) return undefined;
    throw error;
  }
  return rows.map(([user, host, type, name, rights]) => {
    const all = (rights ?? '').toUpperCase().split(',');
    const plain = all.filter((right) => right !== 'GRANT' && right !== '');
    const grantee =
      host !== ''
        ? `${quoteName(user ?? '')}@${quoteName(host ?? '')}`
        : user === 'PUBLIC'
          ? user
          : quoteName(user ?? '');
    return {
      kind: (type ?? '').toLowerCase() as StoredObject['kind'],
      name: name ?? '',
      statement: `GRANT ${plain.length === 0 ? 'USAGE' : plain.join(', ')} ON ${type ?? ''} ${quoteTable(database, name ?? '')} TO ${grantee}${
        all.includes('GRANT') ? ' WITH GRANT OPTION' : ''
      }`,
    };
  });
}

/** Grants again what was granted on routines that have been made anew. What the account may not grant, the plan has told. */
export async function grantAgain(
  session: Session,
  grants: readonly RoutineGrant[],
  made: readonly StoredObject[],
): Promise<void> {
  const again = grants.filter((grant) => made.some((object) => isSame(grant, object)));
  if (again.length === 0) return;
  const { wire, server } = session;
  const mode = (await oneValue(session, 'SELECT @@SESSION.sql_mode')) ?? '';
  // An account that is gone must not come back without a password.
  if (server.isMariaDb)
    await wire.query(`SET SESSION sql_mode = ${quoteText(`${mode},NO_AUTO_CREATE_USER`)}`);
  for (const { statement } of again) {
    try {
      await wire.query(statement);
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
    }
  }
  await wire.query(`SET SESSION sql_mode = ${quoteText(mode)}`);
}

/** What a plan says of rights that the server forgets with the routines a restore removes. */
export async function tellLostGrants(
  session: Session,
  database: string,
  { old, added }: Exchange,
): Promise<string[]> {
  const removed = old.filter(isRoutine);
  if (removed.length === 0 || (await oneValue(session, 'SELECT @@GLOBAL.automatic_sp_privileges')) === '0')
    return [];
  const grants = await readRoutineGrants(session, database);
  const { account, has } = await readPrivileges(session, database);
  if (grants === undefined) {
    return [
      `Rights to run ${named(removed)} that were granted on these alone are lost: ${account} may not read them in mysql.procs_priv.`,
    ];
  }
  const mayGrant = has('EXECUTE') && has('GRANT OPTION');
  const lost = removed.filter(
    (object) =>
      grants.some((grant) => isSame(grant, object)) &&
      !(mayGrant && added.some((one) => isSame(one, object))),
  );
  if (lost.length === 0) return [];
  const why = mayGrant ? 'the backup does not have them' : `${account} may not grant them again`;
  return [`Rights to run ${named(lost)} that were granted on these alone are lost: ${why}.`];
}

function isSame(
  one: Pick<StoredObject, 'kind' | 'name'>,
  other: Pick<StoredObject, 'kind' | 'name'>,
): boolean {
  return one.kind === other.kind && one.name.toLowerCase() === other.name.toLowerCase();
}

function named(objects: readonly StoredObject[]): string {
  const names = objects.map(({ name }) => `“${name}”`);
  return names.length <= MOST_NAMED ? names.join(', ') : `${names.slice(0, MOST_NAMED).join(', ')} …`;
}
