import type { CatalogTable } from './catalog.ts';
import { quoteTable } from './quote.ts';
import { oneValue, type Session } from './session.ts';

/** The tables of which the server keeps former rows (MariaDB’s system versioning), by name. Their rows are counted. */
export async function withFormerRows(
  session: Session,
  database: string,
  tables: readonly CatalogTable[],
): Promise<string[]> {
  const found: string[] = [];
  for (const { name, versioned } of tables) {
    if (!versioned) continue;
    const table = quoteTable(database, name);
    const more = `SELECT (SELECT COUNT(*) FROM ${table} FOR SYSTEM_TIME ALL) > (SELECT COUNT(*) FROM ${table})`;
    if ((await oneValue(session, more)) === '1') found.push(name);
  }
  return found;
}
