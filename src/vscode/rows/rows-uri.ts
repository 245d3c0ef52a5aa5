/** Addresses of the rows of a table: `crm-backup-rows:/<title>?{…}`. Pure. */

/** The scheme of addresses of rows. */
export const ROWS_SCHEME = 'crm-backup-rows';

/** Which rows an editor shows: those that differ between two versions of a table, or all of one. */
export interface RowsTarget {
  readonly workspace: string;
  readonly set: string;
  /** A backup; null for nothing: then all rows of the other are shown. */
  readonly from: string | null;
  /** A backup; null for what is live. */
  readonly to: string | null;
  readonly database: string;
  /** Its path below the database: `tables/<schema>.<table>`. */
  readonly table: string;
}

/** The parts of an address. @param title what the editor’s tab is called */
export function rowsAddress(target: RowsTarget, title: string): { path: string; query: string } {
  const { workspace, set, from, to, database, table } = target;
  // A title is one segment of a path.
  const path = `/${title.replaceAll('/', '∕')}`;
  return { path, query: JSON.stringify([workspace, set, from, to, database, table]) };
}

/** What an address names; undefined when it is none of ours. */
export function rowsTarget(query: string): RowsTarget | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(query);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 6) return undefined;
  const [workspace, set, from, to, database, table] = parts as unknown[];
  const isText = [workspace, set, database, table].every((part) => typeof part === 'string');
  const isVersion = [from, to].every((part) => part === null || typeof part === 'string');
  // Nothing is no version of a table, and neither is what is live compared with nothing.
  if (!isText || !isVersion || (from === null && to === null)) return undefined;
  return { workspace, set, from, to, database, table } as RowsTarget;
}

/** The database and the table of an entry of a backup; undefined for what is no table. */
export function placeOfTable(path: string): Pick<RowsTarget, 'table' | 'database'> | undefined {
  const [, database, table] = /^databases\/([^/]+)\/(tables\/.+)$/.exec(path) ?? [];
  return database === undefined || table === undefined ? undefined : { database, table };
}

/** A table’s name without its usual schema. */
export function tableName({ table, database }: Pick<RowsTarget, 'table' | 'database'>): string {
  const name = decodeTable(table.replace(/^tables\//, ''));
  const usual = ['main', 'public', database].find((schema) => name.startsWith(`${schema}.`));
  return usual === undefined ? name : name.slice(usual.length + 1);
}

function decodeTable(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
