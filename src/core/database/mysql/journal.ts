import { quoteName, quoteTable, quoteText } from './quote.ts';
import { databaseExists, type Session } from './session.ts';
import type { StoredObject } from './stored-object.ts';
import type { Ticket } from './ticket.ts';

const JOURNAL = 'crm_backup_journal';
const FLUSHED = 'crm_backup_flushed';
/** Moves with the tables in the one statement that switches: where it is says which tables are live. */
export const MARKER = 'crm_backup_marker';

/** A foreign key of a table that stays, to one that is replaced. */
export interface ForeignKey {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/** What somebody was granted on one routine. */
export interface RoutineGrant extends Pick<StoredObject, 'kind' | 'name'> {
  readonly statement: string;
}

/** What the live database had that cannot be moved with its tables. */
export interface OldThings {
  readonly objects: readonly StoredObject[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly grants: readonly RoutineGrant[];
  readonly charset: string;
  readonly collation: string;
}

/** What the new one has that cannot be built beside it. */
export interface NewThings {
  readonly objects: readonly StoredObject[];
  /** Statements that complete tables once they are in their place. */
  readonly completions: readonly string[];
}

/** Makes the databases beside the live one, with an empty journal. What stands there of an earlier try goes. */
export async function createJournal({ wire }: Session, ticket: Ticket): Promise<void> {
  for (const schema of [ticket.newSchema, ticket.oldSchema]) {
    await wire.query(`DROP DATABASE IF EXISTS ${quoteName(schema)}`);
    await wire.query(
      `CREATE DATABASE ${quoteName(schema)} CHARACTER SET ${ticket.charset} COLLATE ${ticket.collation}`,
    );
  }
  await wire.query(
    `CREATE TABLE ${quoteTable(ticket.newSchema, JOURNAL)}
      (what VARCHAR(20) CHARACTER SET ascii PRIMARY KEY, content LONGTEXT CHARACTER SET utf8mb4) ENGINE=InnoDB`,
  );
  await wire.query(`CREATE TABLE ${quoteTable(ticket.newSchema, MARKER)} (id INT PRIMARY KEY) ENGINE=InnoDB`);
}

/** Names of what is ours in the databases beside. */
export const OWN_TABLES: ReadonlySet<string> = new Set([JOURNAL, FLUSHED, 'crm_backup_marker']);

/** Keeps something in the journal, once. */
export async function writeJournal(
  { wire }: Session,
  ticket: Ticket,
  what: 'old' | 'new',
  things: OldThings | NewThings,
) {
  const content = quoteText(JSON.stringify(things));
  await wire.query(`INSERT INTO ${quoteTable(ticket.newSchema, JOURNAL)} VALUES ('${what}', ${content})`);
  // Some servers write commits to the disk a second late; making a table writes all that came before it.
  const flushed = quoteTable(ticket.newSchema, FLUSHED);
  await wire.query(`CREATE TABLE IF NOT EXISTS ${flushed} (id INT PRIMARY KEY) ENGINE=InnoDB`);
  await wire.query(`DROP TABLE IF EXISTS ${flushed}`);
}

/** What the journal has kept; undefined if nothing. */
export async function readJournal(
  session: Session,
  ticket: Ticket,
  what: 'old',
): Promise<OldThings | undefined>;
export async function readJournal(
  session: Session,
  ticket: Ticket,
  what: 'new',
): Promise<NewThings | undefined>;
export async function readJournal(session: Session, ticket: Ticket, what: string): Promise<unknown> {
  const [row] = await session.wire.query(
    `SELECT content FROM ${quoteTable(ticket.newSchema, JOURNAL)} WHERE what = '${what}'`,
  );
  return row?.[0] === undefined || row[0] === null ? undefined : (JSON.parse(row[0]) as unknown);
}

/** Which tables are live: `new` before the switch is none of the old, `gone` is after everything was cleared. */
export async function whichIsLive(session: Session, ticket: Ticket): Promise<'old' | 'new' | 'gone'> {
  if (!(await databaseExists(session, ticket.newSchema))) return 'gone';
  const [row] = await session.wire.query(
    `SELECT TABLE_SCHEMA FROM information_schema.TABLES
      WHERE TABLE_NAME = '${MARKER}' AND TABLE_SCHEMA IN (${quoteText(ticket.newSchema)}, ${quoteText(ticket.oldSchema)})`,
  );
  if (row === undefined) return 'gone';
  return row[0] === ticket.oldSchema ? 'new' : 'old';
}
