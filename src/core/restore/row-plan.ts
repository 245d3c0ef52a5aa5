import type { Cell } from '../compare/rows-cell.ts';
import type { DumpedColumn, RowEdit, TableHead } from '../database/engine.ts';
import { DatabaseError } from '../database/error.ts';
import type { Field } from '../database/line.ts';

/** A row as a version of its table has it. */
export interface StoredRow {
  readonly columns: readonly DumpedColumn[];
  readonly values: readonly Field[];
}

/** What a row is to be, and what it is expected to be until then; undefined for no row. */
export interface RowWish {
  /** Of its table, below the database. */
  readonly path: string;
  readonly shownKey: readonly Cell[];
  /** Its table as it is now. */
  readonly live: TableHead;
  readonly key: readonly Field[];
  readonly keyNames: readonly string[];
  readonly target: StoredRow | undefined;
  readonly expected: StoredRow | undefined;
}

/** What has to be done to a row. */
export interface PlannedRow {
  /** Undefined when it is as it is to be. */
  readonly edit: RowEdit | undefined;
  /** Whether it is neither that nor what was expected. */
  readonly isConflict: boolean;
}

/**
 * Plans what makes a row what it is to be. Columns are told by their names; those that only the live table has keep
 * their values.
 * @param row what is there now, in the order of the live table’s columns
 * @throws {DatabaseError} `cannot-hold` when the live table lacks a column, or has another key.
 */
export function planRow(wish: RowWish, row: readonly Field[] | undefined): PlannedRow {
  const { live, key, target, expected } = wish;
  mustFit(wish);
  const differing = differences(live, row, target);
  if (differing === undefined) return { edit: undefined, isConflict: false };
  const isConflict = differences(live, row, expected) !== undefined;
  const change = target === undefined ? 'delete' : row === undefined ? 'insert' : 'update';
  return { edit: { change, table: live, key, values: differing }, isConflict };
}

/** The values of the stored row that the live one has not; undefined when both are the same, or both are none. */
function differences(
  live: TableHead,
  row: readonly Field[] | undefined,
  stored: StoredRow | undefined,
): Map<number, Field> | undefined {
  if (stored === undefined) return row === undefined ? undefined : new Map();
  const values = new Map<number, Field>();
  for (const [at, { name }] of stored.columns.entries()) {
    const place = live.columns.findIndex((column) => column.name === name);
    const field = stored.values[at] ?? null;
    if (place >= 0 && (row === undefined || !isSame(row[place] ?? null, field))) values.set(place, field);
  }
  return row !== undefined && values.size === 0 ? undefined : values;
}

function isSame(a: Field, b: Field): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

function mustFit({ live, keyNames, target }: RowWish): void {
  const names = live.key.map((place) => live.columns[place]!.name);
  if (names.join('\0') !== keyNames.join('\0')) throw otherStructure(live, 'no longer has that key');
  const known = new Set(live.columns.map(({ name }) => name));
  const gone = target?.columns.find(({ name }) => !known.has(name));
  if (gone !== undefined) throw otherStructure(live, `has no column “${gone.name}” any more`);
}

function otherStructure({ name }: TableHead, why: string): DatabaseError {
  return new DatabaseError(
    'cannot-hold',
    `The live table “${name}” ${why}, so its rows cannot be put back.`,
    {
      hint: 'Restore the whole database into another one and copy what you need.',
    },
  );
}
