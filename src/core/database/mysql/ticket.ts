import type { RestoreTicket } from '../engine.ts';

/** What is known of a restore before it begins; see {@link RestoreTicket}. */
export interface Ticket {
  /** The live database. */
  readonly database: string;
  /** Where the new tables are built; the journal is here, too. */
  readonly newSchema: string;
  /** Where the old tables wait. */
  readonly oldSchema: string;
  /** The database did not exist. */
  readonly creates: boolean;
  /** Names of single tables; undefined for the whole database. */
  readonly tables: readonly string[] | null;
  readonly charset: string;
  readonly collation: string;
  /** Accounts whose objects will belong to whoever restores. */
  readonly lostDefiners: readonly string[];
  /** The collations that stand for others the server lacks. */
  readonly collations: Readonly<Record<string, string>>;
  readonly mayEndSessions: boolean;
}

/** Begins the names of databases that exist during a restore only. */
export const BESIDE = 'crm_backup_';

export function readTicket(ticket: RestoreTicket): Ticket {
  return ticket as unknown as Ticket;
}

/** What a restore may leave on the server. */
export function besideOf({ newSchema, oldSchema }: Ticket): string[] {
  return [newSchema, oldSchema].map((schema) => `database ${schema}`);
}
