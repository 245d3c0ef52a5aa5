import type { TableHead } from '../engine.ts';
import type { CatalogTable } from './catalog.ts';
import { type ColumnPlan, planColumn } from './columns.ts';
import { quoteName, quoteTable } from './quote.ts';

/** How a table is read, and how its lines are loaded again. */
export interface TablePlan {
  readonly head: TableHead;
  /** Of the columns of a line. */
  readonly columns: readonly ColumnPlan[];
  /** Reads all rows in any order; a `WHERE` may follow. */
  readonly select: string;
  /** Reads them in the order of the dump. */
  readonly inOrder: string;
  /**
   * Reads them as they lie in the index of the primary key, where `inOrder` lets the server sort them: in the order of
   * the key’s collation, which often is that of the dump, too. Undefined where nothing is gained.
   */
  readonly byIndex: string | undefined;
}

/** How a table is read: its stored columns, in the order of its key. */
export function planTable(table: CatalogTable, exact: ReadonlySet<string>, schema: string): TablePlan {
  const stored = table.columns.filter(({ generated }) => !generated);
  const columns = stored.map((column) => planColumn(column, exact));
  const key = table.key.map((name) => stored.findIndex((column) => column.name === name));
  const select = `SELECT ${columns.map((column) => column.select).join(', ')} FROM ${quoteTable(schema, table.name)}`;
  const order = key.map((column) => columns[column]!.order).join(', ');
  const index = key.map((column) => quoteName(stored[column]!.name)).join(', ');
  return {
    head: {
      schema,
      name: table.name,
      columns: stored.map(({ name, type }, index) => ({
        name,
        type,
        ...(key.includes(index) ? { sorts: columns[index]!.sorts } : {}),
      })),
      key,
      // For those who load lines without asking a server.
      details: { literals: columns.map(({ literal }) => literal) },
    },
    columns,
    select,
    inOrder: order === '' ? select : `${select} ORDER BY ${order}`,
    byIndex: table.isClustered && index !== order ? `${select} ORDER BY ${index}` : undefined,
  };
}
