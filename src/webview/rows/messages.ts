/**
 * What the rows editor’s page and the extension say to each other. The page knows nothing but this; the extension hands
 * over every word that is shown.
 */

export type ChangeKind = 'added' | 'changed' | 'deleted';

/** A value that is not shown as a whole: bytes that are no text, or a long text with its beginning. */
export interface LongCell {
  readonly bytes: number;
  readonly sha256: string;
  readonly text?: string;
}

/** A value; null is NULL. */
export type Cell = string | null | LongCell;

export interface Column {
  readonly name: string;
  readonly type: string;
  /** Where there is such a column. */
  readonly on: 'both' | 'before' | 'after';
  readonly isKey: boolean;
}

/** A row with its values in the order of the columns; null where there is no such row. */
export interface Row {
  readonly change: ChangeKind;
  readonly before: readonly Cell[] | null;
  readonly after: readonly Cell[] | null;
}

/** Which rows are wanted; without `changes` all. */
export interface Filter {
  readonly changes?: readonly ChangeKind[];
  readonly contains?: string;
}

/** Numbers of rows that follow each other; `end` is behind the last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** How many rows were found, and whether these are all. */
export interface Found {
  readonly counts: Readonly<Record<ChangeKind, number>>;
  readonly found: number;
  readonly isComplete: boolean;
}

export type CopyFormat = 'sql' | 'csv' | 'json';

/** What the page says, in the language of the editor; `{0}` is filled in by the page. */
export interface Strings {
  readonly added: string;
  readonly changed: string;
  readonly deleted: string;
  /** On the buttons that filter: `{0} added`. */
  readonly addedCount: string;
  readonly changedCount: string;
  readonly deletedCount: string;
  /** What a filter button does: `Show only added rows`. */
  readonly onlyAdded: string;
  readonly onlyChanged: string;
  readonly onlyDeleted: string;
  readonly oneRow: string;
  readonly rows: string;
  readonly atLeastRows: string;
  readonly ofRows: string;
  readonly oneSelected: string;
  readonly selected: string;
  readonly filterRows: string;
  readonly copy: string;
  readonly copyTooltip: string;
  readonly format: string;
  readonly restore: string;
  readonly change: string;
  readonly number: string;
  readonly key: string;
  readonly newColumn: string;
  readonly goneColumn: string;
  readonly structureChanged: string;
  readonly empty: string;
  readonly binary: string;
  readonly longText: string;
  readonly wasIs: string;
  readonly loading: string;
  readonly searching: string;
  readonly noRows: string;
  readonly noChanges: string;
  readonly noMatch: string;
  readonly details: string;
  readonly close: string;
  readonly before: string;
  readonly after: string;
  readonly value: string;
  readonly grid: string;
}

/** What is shown, told once, after every reload, and when the columns are others. */
export interface Opened {
  readonly type: 'opened';
  readonly locale: string;
  readonly strings: Strings;
  readonly table: string;
  /** The database, and what is compared with what. */
  readonly subtitle: string;
  /** Rows that differ between two versions, or all rows of one. */
  readonly mode: 'changes' | 'rows';
  /** What the two versions are called. */
  readonly beforeName: string;
  readonly afterName: string;
  readonly columns: readonly Column[];
  /** Lines of the table’s structure when that has changed. */
  readonly structure: readonly { readonly kind: 'same' | 'added' | 'deleted'; readonly text: string }[];
  /** Why rows cannot be restored; null when they can. */
  readonly restoreRefusal: string | null;
}

export type ToPage =
  | Opened
  | ({
      readonly type: 'rows';
      readonly query: number;
      /** What numbers of rows belong to; told with every number from now on. */
      readonly comparison: string;
      readonly start: number;
      readonly rows: readonly Row[];
    } & Found)
  | ({ readonly type: 'counts'; readonly query: number } & Found)
  | { readonly type: 'details'; readonly query: number; readonly number: number; readonly row: Row | null }
  /** What was asked for failed; the page offers to try again. */
  | { readonly type: 'failed'; readonly message: string; readonly retry: string }
  /** Rows may be others now: ask anew. */
  | { readonly type: 'stale' };

/** Rows by their numbers, which are those of a comparison once one is known. */
export interface Numbered {
  readonly filter: Filter;
  readonly comparison?: string | undefined;
}

export type FromPage =
  | { readonly type: 'ready' }
  | ({
      readonly type: 'rows';
      readonly query: number;
      readonly start: number;
      readonly limit: number;
    } & Numbered)
  /** Count to the end; `counts` come until all are. */
  | ({ readonly type: 'count'; readonly query: number } & Numbered)
  | ({ readonly type: 'details'; readonly query: number; readonly number: number } & Numbered)
  | ({ readonly type: 'copy'; readonly ranges: readonly Range[]; readonly format: CopyFormat } & Numbered)
  | { readonly type: 'copyText'; readonly text: string }
  /** A value that the page does not have whole. */
  | ({ readonly type: 'copyCell'; readonly number: number; readonly column: number } & Numbered)
  | ({ readonly type: 'restore'; readonly ranges: readonly Range[] } & Numbered);
