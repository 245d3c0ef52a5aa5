import { setTimeout as wait } from 'node:timers/promises';
import { CrmBackupError } from '../../errors.ts';
import { DatabaseError } from '../error.ts';
import { placeOf } from './address.ts';
import { stateOf } from './failure.ts';
import { openMaintenance } from './maintenance.ts';
import { identifier, literal } from './quote.ts';
import type { Session } from './session.ts';
import { dropDatabase } from './side-database.ts';
import { checkSessions, otherSessions } from './target-state.ts';
import { markOf, type PostgresTicket } from './ticket.ts';

const ENDING_PAUSE_MS = 100;
const ATTEMPTS = 3;

/** Where a restore stands, by what the server has. */
type Stage = 'nothing' | 'built' | 'switched';

async function stageOf(session: Session, ticket: PostgresTicket): Promise<Stage> {
  const names = [ticket.live, ticket.built, ticket.old].map(literal).join(', ');
  const found = await session.rows<{ name: string; comment: string | null }>(
    `SELECT datname AS name, pg_catalog.shobj_description(oid, 'pg_database') AS comment
     FROM pg_catalog.pg_database WHERE datname IN (${names})`,
    'Looking at the databases',
  );
  const comments = new Map(found.map(({ name, comment }) => [name, comment]));
  if (comments.has(ticket.built)) return 'built';
  const isSwitched = comments.has(ticket.old) || comments.get(ticket.live) === markOf(ticket);
  return isSwitched && comments.has(ticket.live) ? 'switched' : 'nothing';
}

/**
 * Renames the built database to the live one, and the live one out of the way, in one transaction.
 * @throws {DatabaseError} `in-use`, `check-failed` …: the live database is as it was.
 */
export async function switchDatabase(session: Session, ticket: PostgresTicket): Promise<void> {
  const stage = await stageOf(session, ticket);
  if (stage === 'switched') return;
  if (stage === 'nothing') {
    throw new DatabaseError(
      'check-failed',
      `There is no database ${ticket.built} to put in the place of ${ticket.live}.`,
    );
  }
  const renames = ticket.creates ? [] : [rename(ticket.live, ticket.old)];
  await renameAll(session, ticket, [...renames, rename(ticket.built, ticket.live)]);
}

/** Takes a switch back; does nothing when there was none. */
export async function switchDatabaseBack(session: Session, ticket: PostgresTicket): Promise<void> {
  if ((await stageOf(session, ticket)) !== 'switched') return;
  const renames = ticket.creates ? [] : [rename(ticket.old, ticket.live)];
  await renameAll(session, ticket, [rename(ticket.live, ticket.built), ...renames]);
}

/** Removes the old database after a switch, the built one before, and the mark. */
export async function clearDatabase(session: Session, ticket: PostgresTicket): Promise<void> {
  const stage = await stageOf(session, ticket);
  if (stage === 'built') await dropDatabase(session, ticket.built);
  if (stage !== 'switched') return;
  await dropDatabase(session, ticket.old);
  await setComment(session, ticket);
}

/** Whether the built database is the live one. */
export async function isDatabaseSwitched(session: Session, ticket: PostgresTicket): Promise<boolean> {
  return (await stageOf(session, ticket)) === 'switched';
}

/** After a switch: removes the mark and leaves the old database, whose name comes back. */
export async function keepLiveDatabase(
  session: Session,
  ticket: PostgresTicket,
): Promise<string | undefined> {
  await setComment(session, ticket);
  return ticket.creates ? undefined : `database ${ticket.old}`;
}

async function setComment(session: Session, ticket: PostgresTicket): Promise<void> {
  const comment = ticket.comment === null ? 'NULL' : literal(ticket.comment);
  await session.run(`COMMENT ON DATABASE ${identifier(ticket.live)} IS ${comment}`, 'Setting the comment');
}

function rename(from: string, to: string): string {
  return `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)}`;
}

/**
 * A rename waits some seconds for other sessions to end, and keeps new ones out meanwhile: so they are ended while it
 * waits, not before, when they would be back at once.
 */
async function renameAll(
  session: Session,
  ticket: PostgresTicket,
  renames: readonly string[],
): Promise<void> {
  const place = placeOf({ ...session.server.address, database: ticket.live });
  for (let attempt = 1; ; attempt++) {
    checkSessions(await otherSessions(session, ticket.live), place, ticket.mayEndSessions);
    try {
      await renameWhileEnding(session, ticket, renames);
      return;
    } catch (error) {
      if (stateOf(error) !== '55006' || attempt === ATTEMPTS) {
        if (error instanceof CrmBackupError) throw error;
        if (stateOf(error) !== '55006')
          throw session.server.failures.of(error, `Switching ${place}`, 'write-failed');
        checkSessions(await otherSessions(session, ticket.live), place, false);
        throw new DatabaseError(
          'in-use',
          `Something keeps ${place} in use: a prepared transaction, or a server’s own work.`,
        );
      }
    }
  }
}

async function renameWhileEnding(
  session: Session,
  ticket: PostgresTicket,
  renames: readonly string[],
): Promise<void> {
  await using ending = ticket.mayEndSessions ? await openMaintenance(session.server, {}) : undefined;
  let done = false;
  const work = async () => {
    try {
      await session.client.query('BEGIN');
      for (const statement of renames) await session.client.query(statement);
      await session.client.query('COMMIT');
    } catch (error) {
      await session.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      done = true;
    }
  };
  const end = async () => {
    const names = [ticket.live, ticket.built, ticket.old].map(literal).join(', ');
    while (ending !== undefined && !done) {
      await ending.run(
        `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
         WHERE datname IN (${names}) AND usesysid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()`,
        'Ending other sessions',
      );
      await wait(ENDING_PAUSE_MS);
    }
  };
  // When the renames are done, it means nothing that a session could not be ended.
  const [worked] = await Promise.allSettled([work(), end()]);
  if (worked.status === 'rejected') throw worked.reason as Error;
}
