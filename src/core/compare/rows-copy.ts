import type { DatabaseEngine, RowEdit, TableExtra } from '../database/engine.ts';
import { DatabaseError } from '../database/error.ts';
import type { Field } from '../database/line.ts';
import { type CellForm, valueOf } from './rows-cell.ts';
import { formsOfSides, headOf } from './rows-shown.ts';
import type { DatabaseSide } from './rows-side.ts';
import type { RowChange, TableComparison } from './rows-table.ts';

/**
 * `sql`: statements that make of the rows before those after; of a single version, those that insert its rows.
 * `csv`: RFC 4180 with PostgreSQL’s way to tell NULL (nothing) from an empty text (`""`); binary as `\x…`.
 * `json`: an array of objects; numbers that JavaScript would not keep exactly are texts, binary is `\x…`.
 */
export type CopyFormat = 'sql' | 'csv' | 'json';

/** Makes text of rows, one after the other. */
export interface RowCopier {
  /** Comes before the first row. */
  readonly head: string;
  /** Undefined for a row that cannot be told in this form. @param isFirst whether no row was told before */
  readonly row: (change: RowChange, isFirst: boolean) => string | undefined;
  /** Comes behind the last row. */
  readonly tail: string;
}

type Sides = Readonly<Record<'before' | 'after', DatabaseSide | undefined>>;
type SideName = keyof Sides;

/** Prepares to copy rows of a comparison. @param engine the one the database is of */
export function rowCopier(
  sides: Sides,
  comparison: TableComparison,
  format: CopyFormat,
  engine: DatabaseEngine,
): RowCopier {
  switch (format) {
    case 'sql':
      return sqlCopier(comparison, engine);
    case 'csv':
      return csvCopier(sides, comparison);
    case 'json':
      return jsonCopier(sides, comparison, engine.name);
  }
}

function sqlCopier(comparison: TableComparison, engine: DatabaseEngine): RowCopier {
  const { before, after } = comparison;
  if (engine.rowStatement === undefined) throw new DatabaseError('cannot-hold', 'Its rows are no SQL.');
  const isSingle = before === undefined || after === undefined;
  return {
    head: '',
    row: (change) => {
      const edit = isSingle
        ? insertion((after ?? before)!.table, change.after ?? change.before!)
        : editOf(comparison, change, before.table, after.table);
      return edit && `${engine.rowStatement!(edit)};\n`;
    },
    tail: '',
  };
}

function editOf(
  { layout }: TableComparison,
  { change, before: olds, after: news }: RowChange,
  before: TableExtra,
  after: TableExtra,
): RowEdit | undefined {
  if (change === 'added') return insertion(after, news!);
  const key = before.key.map((place) => olds![place] ?? null);
  // Nothing tells it from others.
  if (key.length === 0 || key.includes(null)) return undefined;
  if (change === 'deleted') return { change: 'delete', table: before, key, values: new Map() };
  const differing = layout.columns.flatMap((column): [number, Field][] => {
    if (column.after === undefined) return [];
    const old = column.before === undefined ? null : (olds![column.before] ?? null);
    const fresh = news![column.after] ?? null;
    const isSame = old === null || fresh === null ? old === fresh : old.equals(fresh);
    return isSame ? [] : [[column.after, fresh]];
  });
  // What stood in a column that is gone leaves with the column.
  return differing.length === 0
    ? undefined
    : { change: 'update', table: after, key, values: new Map(differing) };
}

function insertion(table: TableExtra, row: readonly Field[]): RowEdit {
  return { change: 'insert', table, key: [], values: new Map(row.map((field, at) => [at, field])) };
}

/** The values of a row’s versions that are copied, with what each is called. */
function versionsOf(
  change: RowChange,
  isSingle: boolean,
): { readonly side: SideName; readonly label: readonly string[]; readonly row: readonly Field[] }[] {
  return (['before', 'after'] as const).flatMap((side) => {
    const row = change[side];
    return row === undefined ? [] : [{ side, label: isSingle ? [] : [change.change, side], row }];
  });
}

function csvCopier(sides: Sides, comparison: TableComparison): RowCopier {
  const forms = formsOfSides(sides, comparison);
  const { columns } = headOf(comparison);
  const isSingle = comparison.before === undefined || comparison.after === undefined;
  const labels = isSingle ? [] : ['change', 'version'];
  const line = (values: readonly (string | null)[]): string => `${values.map(csvValue).join(',')}\r\n`;
  return {
    head: line([...labels, ...columns.map(({ name }) => name)]),
    row: (change) =>
      versionsOf(change, isSingle)
        .map(({ side, label, row }) => line([...label, ...textsOf(comparison, side, row, forms[side])]))
        .join(''),
    tail: '',
  };
}

function csvValue(value: string | null): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A row’s values as text, in the order of the layout’s columns. */
function textsOf(
  { layout }: TableComparison,
  side: SideName,
  row: readonly Field[],
  forms: ReadonlyMap<string, CellForm>,
): (string | null)[] {
  return layout.columns.map((column) => {
    const place = column[side];
    const field = place === undefined ? null : (row[place] ?? null);
    return field === null ? null : textual(field, forms.get(column.name) ?? 'text');
  });
}

/**
 * A value of a row as text, as `csv` has it: of its newer version, where it has one; null for NULL.
 * @param column its number in the layout
 */
export function cellText(
  sides: Sides,
  comparison: TableComparison,
  { before, after }: RowChange,
  column: number,
): string | null {
  const side = after === undefined ? 'before' : 'after';
  const { name, [side]: place } = comparison.layout.columns[column]!;
  const field = place === undefined ? null : ((after ?? before)![place] ?? null);
  return field === null ? null : textual(field, formsOfSides(sides, comparison)[side].get(name) ?? 'text');
}

function textual(field: Buffer, form: CellForm): string {
  const value = valueOf(field, form);
  return typeof value === 'string' ? value : `\\x${value.toString('hex')}`;
}

function jsonCopier(sides: Sides, comparison: TableComparison, engine: string): RowCopier {
  const forms = formsOfSides(sides, comparison);
  const isSingle = comparison.before === undefined || comparison.after === undefined;
  const object = (side: SideName, row: readonly Field[] | undefined): object | null => {
    const table = comparison[side]?.table;
    if (row === undefined || table === undefined) return null;
    const values = table.columns.map(({ name }, at): [string, unknown] => {
      const field = row[at] ?? null;
      return [
        name,
        field === null ? null : jsonValue(field, forms[side].get(name) ?? 'text', engine, table, at),
      ];
    });
    // Not by assignment: a column may be called `__proto__`.
    return Object.fromEntries(values);
  };
  return {
    head: '[',
    row: (change, isFirst) => {
      const { before, after } = change;
      const [old, fresh] = [object('before', before), object('after', after)];
      const value = isSingle ? (fresh ?? old) : { change: change.change, before: old, after: fresh };
      return `${isFirst ? '' : ','}\n  ${JSON.stringify(value)}`;
    },
    tail: '\n]\n',
  };
}

const NUMBERS = /^(?:smallint|integer|bigint|real|double precision|numeric)/;

function jsonValue(
  field: Buffer,
  form: CellForm,
  engine: string,
  table: TableExtra,
  at: number,
): string | number | boolean {
  const text = textual(field, form);
  const type = table.columns[at]!.type;
  if (engine === 'postgresql' && type === 'boolean') return text === 't';
  const literals = table.details?.['literals'] as readonly unknown[] | undefined;
  const isNumber =
    form === 'literal'
      ? field[0] !== 0x27
      : literals === undefined
        ? NUMBERS.test(type)
        : literals[at] === 'bare';
  const number = Number(text);
  return isNumber && Number.isFinite(number) && String(number) === text ? number : text;
}
