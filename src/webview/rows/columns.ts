import type { Cell, Column, Row } from './messages.ts';

const LEAST_CHARACTERS = 6;
const MOST_CHARACTERS = 40;
/** A name and a type that are longer are cut rather than that all columns get wide. */
const MOST_HEAD = 22;
/** Beside the text: padding and the line between columns. */
const PADDING = 17;
/** Between and around two values: the arrow, which another font may have to draw, and padding. */
const ARROW_CHARACTERS = 2;
const CHANGE_PADDING = 18;
/** Characters that are twice as wide as others: of Chinese, Japanese and Korean, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/gu;
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
    const contents = rows.map(({ before, after }) => {
      const [old, fresh] = [before?.[at], after?.[at]];
      const isChanged = before !== null && after !== null && !isSameCell(old ?? null, fresh ?? null);
      return isChanged
        ? (lengthOf(old) + lengthOf(fresh) + ARROW_CHARACTERS) * character + CHANGE_PADDING
        : Math.max(lengthOf(old), lengthOf(fresh)) * character;
    });
    const head = Math.min(MOST_HEAD, widthOf(name) + type.length + (isKey ? 6 : 2));
    const least = Math.max(LEAST_CHARACTERS, head) * character;
    return Math.ceil(Math.min(MOST_CHARACTERS * character, Math.max(least, ...contents))) + PADDING;
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
  // In the place of an empty one stands a word.
  return typeof cell === 'string' ? widthOf(cell) || LEAST_CHARACTERS : 30;
}

/** How wide a text is, in ordinary characters. */
function widthOf(text: string): number {
  return text.length + (text.match(WIDE) ?? []).filter((wide) => wide.length === 1).length;
}
