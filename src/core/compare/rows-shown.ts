import { type LineRun, diffLines } from './line-diff.ts';
import { type Cell, type CellForm, cellOf, formsOf, textOf } from './rows-cell.ts';
import type { PairedColumn } from './rows-layout.ts';
import type { RowChangeKind } from './rows-merge.ts';
import type { DatabaseSide } from './rows-side.ts';
import type { RowChange, TableComparison } from './rows-table.ts';

/** A column of a table whose rows are shown. */
export interface ShownColumn {
  readonly name: string;
  readonly type: string;
  /** Where there is such a column. */
  readonly on: 'both' | 'before' | 'after';
}

/** A row that differs, as it is shown. Values stand in the order of {@link ShownHead.columns}. */
export interface ShownRow {
  readonly change: RowChangeKind;
  /** In the order of {@link ShownHead.key}; empty without a key. */
  readonly key: readonly Cell[];
  /** Null where there is no such row; a value of a column that is not on this side is null. */
  readonly before: readonly Cell[] | null;
  readonly after: readonly Cell[] | null;
}

/** What is known of a table’s rows before any is read. */
export interface ShownHead {
  /** As they are now; those that are gone come last. */
  readonly columns: readonly ShownColumn[];
  /** Names of the key’s columns; empty when rows are compared without one. */
  readonly key: readonly string[];
  readonly schemaChanged: boolean;
}

/** A line of a table’s structure, and whether both versions have it. */
export interface StructureLine {
  readonly kind: LineRun['kind'];
  readonly text: string;
}

/** The rows of a table that somebody wants to see. */
export interface RowFilter {
  /** Only rows that this happened to. */
  readonly changes?: readonly RowChangeKind[] | undefined;
  /** Only rows with this text in one of their values, whatever the case. */
  readonly contains?: string | undefined;
}

/** Both versions of a database, of which one may be absent. */
interface Sides {
  readonly before: DatabaseSide | undefined;
  readonly after: DatabaseSide | undefined;
}

/** What a comparison says before its rows. */
export function headOf({ layout }: TableComparison): ShownHead {
  const columns = layout.columns.map(({ name, type, before, after }): ShownColumn => ({
    name,
    type,
    on: before === undefined ? 'after' : after === undefined ? 'before' : 'both',
  }));
  const key = keyColumns(layout.columns, layout.key).map(({ name }) => name);
  return { columns, key, schemaChanged: layout.schemaChanged };
}

/** How a table’s columns and key have changed, as lines; none when they have not, or one version has no such table. */
export function structureOf({ before, after, layout }: TableComparison): StructureLine[] {
  if (!layout.schemaChanged || before === undefined || after === undefined) return [];
  const lines = ({ table: { columns, key } }: typeof before): string[] => [
    ...columns.map(({ name, type }) => `${name} ${type}`),
    ...(key.length === 0 ? [] : [`KEY (${key.map((place) => columns[place]!.name).join(', ')})`]),
  ];
  const [olds, news] = [lines(before), lines(after)];
  return diffLines(olds, news).flatMap(({ kind, before: old, after: fresh, count }) => {
    const texts = kind === 'deleted' ? olds.slice(old, old + count) : news.slice(fresh, fresh + count);
    return texts.map((text): StructureLine => ({ kind, text }));
  });
}

/** Makes rows of a comparison what people look at. @param mostCharacters texts that are longer are cut */
export function rowShower(
  sides: Sides,
  comparison: TableComparison,
  mostCharacters: number,
): (change: RowChange) => ShownRow {
  const { layout } = comparison;
  const forms = formsOfSides(sides, comparison);
  const cells = (row: RowChange['before'], side: 'before' | 'after'): Cell[] | null => {
    if (row === undefined) return null;
    return layout.columns.map((column) => {
      const place = column[side];
      const field = place === undefined ? null : (row[place] ?? null);
      return cellOf(field, forms[side].get(column.name) ?? 'text', mostCharacters);
    });
  };
  const keyPlaces = keyColumns(layout.columns, layout.key).map((column) => layout.columns.indexOf(column));
  return (row) => {
    const olds = cells(row.before, 'before');
    const news = cells(row.after, 'after');
    const key = keyPlaces.map((place) => (news ?? olds)?.[place] ?? null);
    return { change: row.change, key, before: olds, after: news };
  };
}

/** Tells whether a row has a text in one of its values, however long they are. */
export function textFinder(
  sides: Sides,
  comparison: TableComparison,
  contains: string,
): (change: RowChange) => boolean {
  const wanted = contains.toLowerCase();
  const forms = formsOfSides(sides, comparison);
  const inSide = (row: RowChange['before'], side: 'before' | 'after'): boolean => {
    if (row === undefined) return false;
    const columns = comparison[side]?.table.columns ?? [];
    return row.some((field, place) => {
      const text =
        field === null ? undefined : textOf(field, forms[side].get(columns[place]!.name) ?? 'text');
      return text?.toLowerCase().includes(wanted) === true;
    });
  };
  return ({ before, after }) => inSide(after, 'after') || inSide(before, 'before');
}

/** How values stand in the rows of each version. */
export function formsOfSides(
  { before, after }: Sides,
  { before: old, after: fresh }: TableComparison,
): Readonly<Record<'before' | 'after', ReadonlyMap<string, CellForm>>> {
  return {
    before: old && before ? formsOf(before.info.engine, old.table) : new Map(),
    after: fresh && after ? formsOf(after.info.engine, fresh.table) : new Map(),
  };
}

function keyColumns(columns: readonly PairedColumn[], key: TableComparison['layout']['key']): PairedColumn[] {
  return key.flatMap((part) => columns.filter(({ after, before }) => (after ?? before) === part.after));
}
