import type { TableHead } from '../engine.ts';
import type { CatalogTable } from './catalog.ts';
import { type ColumnPlan, planColumn } from './columns.ts';
import { quoteTable } from './quote.ts';

/** How a table is read, and how its lines are loaded again. */
export interface TablePlan {
  readonly head: TableHead;
  /** Of the columns of a line. */
  readonly columns: readonly ColumnPlan[];
  readonly select: string;
}

/** How a table is read: its stored columns, in the order of its key. */
export function planTable(table: CatalogTable, exact: ReadonlySet<string>, schema: string): TablePlan {
  const stored = table.columns.filter(({ generated }) => !generated);
  const columns = stored.map((column) => planColumn(column, exact));
  const key = table.key.map((name) => stored.findIndex((column) => column.name === name));
  const order = key.map((column) => columns[column]!.order).join(', ');
  const list = columns.map(({ select }) => select).join(', ');
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
    select: `SELECT ${list} FROM ${quoteTable(schema, table.name)}${order === '' ? '' : ` ORDER BY ${order}`}`,
  };
}
