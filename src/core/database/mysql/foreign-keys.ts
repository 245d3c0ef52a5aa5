import { DatabaseError } from '../error.ts';
import type { ForeignKey } from './journal.ts';
import { readPrivileges } from './privileges.ts';
import { quoteName, quoteTable, quoteText } from './quote.ts';
import { oneValue, type Session } from './session.ts';
import type { Ticket } from './ticket.ts';

/** A foreign key of a table that stays, to one that is replaced. */
export type Referring = Omit<ForeignKey, 'definition'>;

/** What an account needs on a table whose foreign key is made anew. */
const NEEDED = ['SELECT', 'ALTER', 'LOCK TABLES'];

/**
 * Foreign keys of tables that stay, in this database and in others, to tables that are replaced, as far as the account
 * may see them. The tables they refer to need not exist.
 * @param moves names of the tables that are replaced; undefined for the whole database
 */
export async function findReferring(
  { wire }: Session,
  { database, newSchema, oldSchema }: Pick<Ticket, 'database' | 'newSchema' | 'oldSchema'>,
  moves: ReadonlySet<string> | undefined,
): Promise<Referring[]> {
  const own = [newSchema, oldSchema, ...(moves === undefined ? [database] : [])].map(quoteText);
  const rows = await wire.query(
    `SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME
      FROM information_schema.KEY_COLUMN_USAGE
      WHERE REFERENCED_TABLE_SCHEMA = ${quoteText(database)} AND TABLE_SCHEMA NOT IN (${own.join(', ')}) ORDER BY 1, 2, 3`,
  );
  return rows.flatMap(([schema, table, name, parent]) =>
    moves === undefined || (moves.has(parent ?? '') && !(schema === database && moves.has(table ?? '')))
      ? [{ schema: schema ?? '', table: table ?? '', name: name ?? '' }]
      : [],
  );
}

/** How a table is called beside those of a database. */
export function nameBeside(database: string, { schema, table }: Referring): string {
  return schema === database ? table : `${schema}.${table}`;
}

/**
 * Refuses where foreign keys could not be made anew.
 * @throws {DatabaseError} `missing-privilege`.
 */
export async function mustMayRepair(session: Session, database: string, keys: readonly Referring[]) {
  if (keys.length === 0) return;
  const { account, has } = await readPrivileges(session, database);
  for (const key of keys) {
    const missing = NEEDED.filter((privilege) => !has(privilege, key.schema, key.table));
    if (missing.length === 0) continue;
    throw new DatabaseError(
      'missing-privilege',
      `“${nameBeside(database, key)}” refers to a restored table by its foreign key “${key.name}”, and ${account} lacks ${missing.join(', ')} there to keep it.`,
      { hint: `GRANT ${missing.join(', ')} ON ${quoteName(key.schema)}.* TO ${account}` },
    );
  }
}

/** Foreign keys with what makes them again. */
export async function readForeignKeys(
  { wire }: Session,
  referring: readonly Referring[],
): Promise<ForeignKey[]> {
  const keys: ForeignKey[] = [];
  for (const key of referring) {
    const [shown] = await wire.query(`SHOW CREATE TABLE ${quoteTable(key.schema, key.table)}`);
    const line = (shown?.[1] ?? '')
      .split('\n')
      .find((text) => text.trimStart().startsWith(`CONSTRAINT ${quoteName(key.name)} FOREIGN KEY`));
    if (line !== undefined) keys.push({ ...key, definition: line.trim().replace(/,$/, '') });
  }
  return keys;
}

/** Names, quoted, of the tables that have some foreign keys and still exist. */
export async function tablesOf(session: Session, keys: readonly ForeignKey[]): Promise<ReadonlySet<string>> {
  const tables = new Set<string>();
  for (const { schema, table } of keys)
    if (await exists(session, schema, table)) tables.add(quoteTable(schema, table));
  return tables;
}

/** Foreign keys follow the table they refer to when it is moved away; they are made anew to the one in its place. */
export async function repairForeignKeys(
  session: Session,
  database: string,
  keys: readonly ForeignKey[],
): Promise<void> {
  const { wire } = session;
  const there = await tablesOf(session, keys);
  for (const { schema, table, name, definition } of keys) {
    const place = quoteTable(schema, table);
    // Those of another restore, which is over, are gone with its tables.
    if (!there.has(place)) continue;
    const target = await oneValue(
      session,
      `SELECT REFERENCED_TABLE_SCHEMA FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ${quoteText(schema)}
        AND TABLE_NAME = ${quoteText(table)} AND CONSTRAINT_NAME = ${quoteText(name)} AND REFERENCED_TABLE_SCHEMA IS NOT NULL`,
    );
    if (target === database) continue;
    if (target !== undefined) await wire.query(`ALTER TABLE ${place} DROP FOREIGN KEY ${quoteName(name)}`);
    await wire.query(`ALTER TABLE ${place} ADD ${definition}`);
  }
}

async function exists(session: Session, schema: string, table: string): Promise<boolean> {
  const found = await oneValue(
    session,
    `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteText(schema)} AND TABLE_NAME = ${quoteText(table)}`,
  );
  return found !== undefined;
}
