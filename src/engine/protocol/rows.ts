import type { CopyFormat } from '../../core/compare/rows-copy.ts';
import type { ListingState } from '../../core/compare/rows-listing.ts';
import type { RowFilter, ShownHead, ShownRow, StructureLine } from '../../core/compare/rows-shown.ts';
import type { RestoredRow, RowRestorePlan, RowRestoreRequest } from '../../core/restore/rows.ts';
import type { InSet } from './scope.ts';

/** Two versions of a set’s databases. */
export interface InVersions extends InSet {
  /** A backup; null for nothing, so that all rows of the other are there to be seen. */
  readonly from: string | null;
  /** Another backup; null for what is live. */
  readonly to: string | null;
}

/** One table of two versions. */
export interface OfTable extends InVersions {
  readonly database: string;
  /** Its path below the database: `tables/<schema>.<table>`. */
  readonly table: string;
}

/** Rows that a filter lets through, by their numbers from 0. */
export interface OfRows extends OfTable {
  readonly filter: RowFilter;
  /** The comparison whose numbers they are, as {@link RowWindow} names it. Fails with `other-rows` for any other. */
  readonly comparison?: string | undefined;
}

/** Numbers of rows that follow each other; `end` is behind the last. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Some of the rows of a table. */
export interface RowWindow extends ShownHead, ListingState {
  /** The same as long as rows have the same numbers: of a live database they may be others by now. */
  readonly comparison: string;
  /** How columns and key have changed; none when they have not. */
  readonly structure: readonly StructureLine[];
  /** From `start` on; fewer than asked for where there are no more, or no more were found yet. */
  readonly rows: readonly ShownRow[];
}

/** Which rows of a live database are restored, and how. */
export interface RowRestoreInput extends InVersions, Omit<RowRestoreRequest, 'compared'> {
  readonly database: string;
}

/** Rows of tables: to be looked at, copied and put back. */
export interface RowOperations {
  /** Some of the rows, as far as they are found within a moment. Longer texts than `mostCharacters` are cut. */
  rows: {
    in: OfRows & {
      readonly start: number;
      readonly limit: number;
      readonly mostCharacters?: number | undefined;
    };
    out: RowWindow;
  };
  /** Goes on counting the rows for a moment. To be called until `isComplete`. */
  countRows: { in: OfRows; out: ListingState };
  /** Rows as text, whole, in a form that others read. */
  copyRows: {
    in: OfRows & { readonly ranges: readonly RowRange[]; readonly format: CopyFormat };
    /** `left`: rows that cannot be told in that form. */
    out: { readonly text: string; readonly rows: number; readonly left: number };
  };
  /** A value of a row as text, whole: of its newer version, where it has one; null for NULL. */
  copyCell: {
    /** `column`: its number in {@link RowWindow}. */
    in: OfRows & { readonly number: number; readonly column: number };
    out: { readonly text: string | null };
  };
  /** What restoring chosen rows would do. */
  planRows: { in: RowRestoreInput; out: RowRestorePlan };
  restoreRows: {
    in: RowRestoreInput;
    out: RowRestorePlan & { readonly restored: readonly RestoredRow[] };
  };
  /** Gives rows back what they had before they were restored. */
  undoRows: {
    in: InSet & { readonly database: string; readonly restored: readonly RestoredRow[] };
    out: RowRestorePlan;
  };
}
