import type { Reference, RowEdit, RowEditor, TableHead } from '../database/engine.ts';
import { DatabaseError } from '../database/error.ts';
import type { Field } from '../database/line.ts';
import { tablePath } from '../database/table-path.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { RowWish } from './row-plan.ts';

/** A row that nobody chose and that a foreign key deletes or changes when chosen ones are restored. */
export interface Dependent {
  readonly table: TableHead;
  readonly key: readonly Field[];
  /** What it is before. */
  readonly row: readonly Field[];
  readonly becomes: 'deleted' | 'changed';
}

/** How many rows of a table are deleted or changed by foreign keys. */
export interface DependentRows {
  /** Below the database. */
  readonly table: string;
  readonly becomes: Dependent['becomes'];
  readonly rows: number;
}

/** What is done to a row that is there. */
export interface TouchedRow {
  readonly table: TableHead;
  readonly row: readonly Field[];
  /** Numbers of the columns that change; undefined when the row is deleted. */
  readonly columns: readonly number[] | undefined;
}

/** With more it is no longer a matter of single rows. */
const MOST_DEPENDENTS = 5000;

/** What an edit does to the row that is there. */
export function touchedBy({ change, table, values }: RowEdit, row: readonly Field[]): TouchedRow {
  return { table, row, columns: change === 'delete' ? undefined : [...values.keys()] };
}

/**
 * Finds the rows that foreign keys delete (`ON DELETE CASCADE`) or change (`SET NULL`, `SET DEFAULT`) when rows are
 * deleted or changed, and those that they delete or change in turn. Values that follow others (`ON UPDATE CASCADE`) do not
 * count: they go back with them.
 * @param chosen rows that are dealt with anyhow
 * @throws {DatabaseError} `cannot-hold` when there are too many, or some that could not be found again
 */
export async function dependentsOf(
  editor: RowEditor,
  touched: readonly TouchedRow[],
  chosen: readonly Pick<RowWish, 'live' | 'key'>[],
  task: Task,
): Promise<Dependent[]> {
  const left = [...touched];
  const known = new Set(chosen.map(({ live, key }) => nameOf(live, key)));
  const found = new Map<string, Dependent>();
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    for (const reference of await editor.references(next.table)) {
      throwIfCancelled(task);
      const becomes = effectOf(reference, next);
      if (becomes === undefined) continue;
      for (const row of await referring(editor, reference, next)) {
        const { table, key } = mustBeFindable(reference, row);
        const name = nameOf(table, key);
        if (known.has(name) || found.get(name)?.becomes === 'deleted') continue;
        if (found.get(name)?.becomes === becomes) continue;
        found.set(name, { table, key, row, becomes });
        if (found.size > MOST_DEPENDENTS) throw tooMany(next.table);
        left.push({ table, row, columns: becomes === 'deleted' ? undefined : reference.columns });
      }
    }
  }
  return [...found.values()];
}

/** Counts them by table. */
export function countDependents(dependents: readonly Dependent[]): DependentRows[] {
  const counts = new Map<string, DependentRows>();
  for (const { table, becomes } of dependents) {
    const path = tablePath(table.schema, table.name);
    const name = `${becomes} ${path}`;
    counts.set(name, { table: path, becomes, rows: (counts.get(name)?.rows ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** Says that rows nobody chose would be deleted or changed. */
export function dependentsInTheWay(dependents: readonly DependentRows[]): DatabaseError {
  const parts = dependents.map(({ table, becomes, rows }) => `${rows} of ${table} ${becomes}`);
  return new DatabaseError(
    'constraint',
    `Rows that refer to them would be lost or changed, so nothing was changed: ${parts.join(', ')}.`,
    { hint: 'Restore them together, or confirm that they may go.' },
  );
}

function effectOf(reference: Reference, { columns }: TouchedRow): Dependent['becomes'] | undefined {
  const { onDelete, onUpdate, referenced } = reference;
  if (columns === undefined) {
    return onDelete === 'follow' ? 'deleted' : onDelete === 'clear' ? 'changed' : undefined;
  }
  return onUpdate === 'clear' && referenced.some((at) => columns.includes(at)) ? 'changed' : undefined;
}

async function referring(
  editor: RowEditor,
  reference: Reference,
  { table, row }: TouchedRow,
): Promise<readonly (readonly Field[])[]> {
  if (reference.table === undefined || [...reference.columns, ...reference.referenced].includes(-1)) {
    throw cannotFollow(reference.name);
  }
  // To what has no value nothing refers.
  if (reference.referenced.some((at) => (row[at] ?? null) === null)) return [];
  const rows = await editor.referring(reference, table, row, MOST_DEPENDENTS + 1);
  if (rows.length > MOST_DEPENDENTS) throw tooMany(table);
  return rows;
}

function mustBeFindable({ table, name }: Reference, row: readonly Field[]): Pick<Dependent, 'table' | 'key'> {
  const key = table?.key.map((at) => row[at] ?? null) ?? [];
  if (table === undefined || key.length === 0 || key.includes(null)) throw cannotFollow(name);
  return { table, key };
}

function nameOf({ schema, name }: TableHead, key: readonly Field[]): string {
  return [schema, name, ...key.map((field) => field?.toString('hex') ?? 'NULL')].join('\0');
}

function tooMany({ name }: TableHead): DatabaseError {
  return new DatabaseError(
    'cannot-hold',
    `More than ${MOST_DEPENDENTS} rows refer to those of “${name}” and would be lost or changed with them.`,
    { hint: 'Restore the whole table, or the whole database.' },
  );
}

function cannotFollow(name: string): DatabaseError {
  return new DatabaseError(
    'cannot-hold',
    `Rows of “${name}” would be lost or changed by a foreign key, and could not be brought back.`,
    { hint: 'Restore the whole database, or delete those rows yourself first.' },
  );
}
