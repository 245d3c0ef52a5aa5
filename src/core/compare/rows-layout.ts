import type { TableHead } from '../database/engine.ts';

/** A column of one or both sides of a table, and where it stands in a line of each. */
export interface PairedColumn {
  readonly name: string;
  /** The type it has now, or had last. */
  readonly type: string;
  /** Number in the table’s columns before; undefined where it did not exist. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** A column of the key, and how its text sorts. */
export interface PairedKeyColumn {
  readonly before: number;
  readonly after: number;
  readonly sorts: 'number' | 'bytes';
}

/** How the rows of two versions of a table are held against each other. */
export interface RowLayout {
  /** As they are now; those that are gone come last. */
  readonly columns: readonly PairedColumn[];
  /** Empty when rows have to be compared as a multiset: there is no key, or not the same one on both sides. */
  readonly key: readonly PairedKeyColumn[];
  /** Whether lines of both sides have the same columns in the same order, so that equal rows are equal bytes. */
  readonly isSame: boolean;
  /** Whether columns, their types or the key differ, or one side has no such table. */
  readonly schemaChanged: boolean;
}

/** Pairs the columns of two versions of a table by their names. One of the two must be there. */
export function pairColumns(before: TableHead | undefined, after: TableHead | undefined): RowLayout {
  const olds = before?.columns ?? [];
  const news = after?.columns ?? [];
  const placeBefore = new Map(olds.map(({ name }, place) => [name, place]));
  const placeAfter = new Map(news.map(({ name }, place) => [name, place]));
  const columns = [
    ...news.map(({ name, type }, place) => ({ name, type, before: placeBefore.get(name), after: place })),
    ...olds.flatMap(({ name, type }, place) =>
      placeAfter.has(name) ? [] : { name, type, before: place, after: undefined },
    ),
  ];
  const shape = (head: TableHead | undefined): string =>
    JSON.stringify([
      head?.columns.map(({ name, type }) => [name, type]),
      head?.key.map((place) => head.columns[place]?.name),
    ]);
  const names = (head: TableHead | undefined): string =>
    JSON.stringify(head?.columns.map(({ name }) => name));
  return {
    columns,
    key: pairKeys(before ?? after!, after ?? before!),
    isSame: before === undefined || after === undefined || names(before) === names(after),
    schemaChanged: shape(before) !== shape(after),
  };
}

/** The key both sides have; none when they differ, for then their rows come in different orders. */
function pairKeys(before: TableHead, after: TableHead): PairedKeyColumn[] {
  if (before.key.length !== after.key.length) return [];
  const pairs: PairedKeyColumn[] = [];
  for (const [at, place] of before.key.entries()) {
    const old = before.columns[place];
    const other = after.key[at]!;
    const fresh = after.columns[other];
    if (old === undefined || old.name !== fresh?.name || old.sorts !== fresh.sorts) return [];
    pairs.push({ before: place, after: other, sorts: old.sorts ?? 'bytes' });
  }
  return pairs;
}
