import { DatabaseError } from '../error.ts';
import { literal } from './quote.ts';
import type { Session } from './session.ts';

/**
 * What belongs to a database as such, not to what is in it: a database that takes its place has none of it, and the
 * server refuses to remove the old one, or removes it too.
 */
function query(database: string): string {
  return `SELECT 'prepared transaction' AS kind, gid AS name FROM pg_catalog.pg_prepared_xacts
      WHERE database = ${literal(database)}
    UNION ALL SELECT 'replication slot', slot_name FROM pg_catalog.pg_replication_slots
      WHERE database = ${literal(database)}
    UNION ALL SELECT 'subscription', s.subname FROM pg_catalog.pg_subscription s
      JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = ${literal(database)}`;
}

const HINTS: Readonly<Record<string, string>> = {
  'prepared transaction': 'COMMIT PREPARED or ROLLBACK PREPARED it, then try again.',
  'replication slot':
    'Stop who reads it, remove it with pg_drop_replication_slot, restore, and set replication up again.',
  subscription: 'DROP SUBSCRIPTION, restore, and subscribe again.',
};

/**
 * Makes sure that nothing holds a database that is about to be replaced.
 * @throws {DatabaseError} `in-use`.
 */
export async function checkObstacles(session: Session, database: string, place: string): Promise<void> {
  const found = await session.rows<{ kind: string; name: string }>(
    query(database),
    'Looking for what holds the database',
  );
  const [obstacle] = found;
  if (obstacle === undefined) return;
  const { kind, name } = obstacle;
  throw new DatabaseError(
    'in-use',
    `The ${kind} “${name}” belongs to ${place}, which cannot be replaced so.`,
    {
      hint: HINTS[kind] ?? '',
    },
  );
}
