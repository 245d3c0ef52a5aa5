import type { Cell, Column, Row } from './messages.ts';

const LEAST_CHARACTERS = 6;
const MOST_CHARACTERS = 40;
/** A name and a type that are longer are cut rather than that all columns get wide. */
const MOST_HEAD = 22;
/** Beside the text: padding and the line between columns. */
const PADDING = 17;
const LEAST_WIDTH = 40;

/** How wide columns are, and which of them are seen. */
export class Columns {
  readonly widths: number[];

  constructor(widths: readonly number[]) {
    this.widths = [...widths];
  }

  get width(): number {
    return this.widths.reduce((sum, width) => sum + width, 0);
  }

  left(column: number): number {
    return this.widths.slice(0, column).reduce((sum, width) => sum + width, 0);
  }

  resize(column: number, width: number): void {
    this.widths[column] = Math.max(LEAST_WIDTH, Math.round(width));
  }

  /** Columns that are at least partly between two places. */
  visible(left: number, right: number): { readonly first: number; readonly end: number } {
    let first = 0;
    let at = 0;
    while (first < this.widths.length && at + this.widths[first]! <= left) at += this.widths[first++]!;
    let end = first;
    while (end < this.widths.length && at < right) at += this.widths[end++]!;
    return { first, end };
  }
}

/** Widths that fit what stands in some of the rows. @param character how wide one is */
export function fittingWidths(columns: readonly Column[], rows: readonly Row[], character: number): number[] {
  return columns.map(({ name, type, isKey }, at) => {
    const lengths = rows.map(({ before, after }) => {
      const [old, fresh] = [before?.[at], after?.[at]];
      const isChanged = before !== null && after !== null && !isSameCell(old ?? null, fresh ?? null);
      return isChanged ? lengthOf(old) + lengthOf(fresh) + 3 : Math.max(lengthOf(old), lengthOf(fresh));
    });
    const head = Math.min(MOST_HEAD, name.length + type.length + (isKey ? 6 : 2));
    const characters = Math.min(MOST_CHARACTERS, Math.max(LEAST_CHARACTERS, head, ...lengths));
    return Math.ceil(characters * character) + PADDING;
  });
}

/** Whether two values are the same. */
export function isSameCell(a: Cell, b: Cell): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b;
  return a.sha256 === b.sha256;
}

function lengthOf(cell: Cell | undefined): number {
  if (cell === undefined) return 0;
  if (cell === null) return 4;
  return typeof cell === 'string' ? cell.length : 30;
}
