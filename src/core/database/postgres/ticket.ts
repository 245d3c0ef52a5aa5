import * as v from 'valibot';
import type { RestoreTicket } from '../engine.ts';
import { DatabaseError } from '../error.ts';

const ticket = v.object({
  /**
   * `database`: a database is built beside and renamed. `schemas`: the same with schemas inside the live database, for
   * users that may not create databases. `tables`: single tables are built in a schema beside.
   */
  mode: v.picklist(['database', 'schemas', 'tables']),
  /** The database that is restored to. */
  live: v.string(),
  /** What is built: a database, or the beginning of schemas’ names. */
  built: v.string(),
  /** What the old one is called after the switch. */
  old: v.string(),
  creates: v.boolean(),
  mayEndSessions: v.boolean(),
  /** The database’s comment; until the end a mark stands in its place. */
  comment: v.nullable(v.string()),
  /** Schemas of the backup. */
  schemas: v.array(v.string()),
  /** Schemas of the live database, when it was planned. */
  oldSchemas: v.array(v.string()),
  tables: v.array(v.object({ schema: v.string(), name: v.string() })),
});

/** What a restore leaves in the journal for a later process. */
export type PostgresTicket = v.InferOutput<typeof ticket>;

/**
 * Reads a ticket.
 * @throws {DatabaseError} `damaged`.
 */
export function readTicket(written: RestoreTicket): PostgresTicket {
  const parsed = v.safeParse(ticket, written);
  if (parsed.success) return parsed.output;
  throw new DatabaseError('damaged', 'The journal of the restore does not say what was built in PostgreSQL.');
}

/** What stands in place of a database’s comment while its restore is not done. */
export function markOf(ticket: PostgresTicket): string {
  return `Being restored by CRM Backup as ${ticket.built}.`;
}

/** What a restore may leave on the server. */
export function besideOf({ mode, live, built, old }: PostgresTicket): string[] {
  const names = mode === 'schemas' ? [`${built}_…`, `${old}_…`] : [built, old];
  return names.map((name) => (mode === 'database' ? `database ${name}` : `schema ${name} of ${live}`));
}
