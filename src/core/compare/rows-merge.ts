import { compareKeys } from './rows-key.ts';
import type { RowLayout } from './rows-layout.ts';
import { fieldsOf } from '../database/line.ts';
import type { RowReader } from './rows-reader.ts';

const LINE_FEED = 0x0a;
/** What two lines have in common at their beginning is looked for byte by byte so far … */
const LOOKED_AT_BYTES = 32;
/** … then in pieces that double up to this. */
const MOST_COMPARED_BYTES = 16 * 1024;

/** What became of a row. */
export type RowChangeKind = 'added' | 'changed' | 'deleted';

/**
 * Joins the rows of two versions of a table that both come in the order of the key. What both have in common is passed
 * over by comparing bytes, without looking for rows.
 */
export class RowMerge {
  readonly #before: RowReader;
  readonly #after: RowReader;
  readonly #layout: RowLayout;

  constructor(before: RowReader, after: RowReader, layout: RowLayout) {
    this.#before = before;
    this.#after = after;
    this.#layout = layout;
  }

  /**
   * Walks on to the next row that differs, on which the readers then stand; {@link pass} steps over it. `load` means
   * that a reader has to be loaded first.
   */
  seek(): RowChangeKind | 'load' | 'end' {
    const before = this.#before;
    const after = this.#after;
    for (;;) {
      if (before.needsLoad || after.needsLoad) return 'load';
      if (before.isDone) return after.isDone ? 'end' : 'added';
      if (after.isDone) return 'deleted';
      if (this.#layout.isSame) {
        passCommon(before, after);
        if (before.at === before.bytes.length || after.at === after.bytes.length) continue;
      }
      const order = compareKeys(before.bytes, before.at, after.bytes, after.at, this.#layout.key);
      if (order !== 0) return order < 0 ? 'deleted' : 'added';
      if (this.#layout.isSame || this.#differs()) return 'changed';
      this.pass('changed');
    }
  }

  /** Steps over the row that {@link seek} has found. */
  pass(kind: RowChangeKind): void {
    const { lineEnd: beforeEnd } = this.#before;
    if (kind !== 'deleted') this.#after.at = this.#after.lineEnd;
    if (kind !== 'added') this.#before.at = beforeEnd;
  }

  /** Whether a value differs; a column that only one side has is NULL on the other. */
  #differs(): boolean {
    const olds = fieldsOf(lineOf(this.#before));
    const news = fieldsOf(lineOf(this.#after));
    return this.#layout.columns.some(({ before, after }) => {
      const old = before === undefined ? null : (olds[before] ?? null);
      const fresh = after === undefined ? null : (news[after] ?? null);
      return old === null || fresh === null ? old !== fresh : !old.equals(fresh);
    });
  }
}

/** The line that a reader stands on, without its line feed, sharing its bytes. */
export function lineOf(reader: RowReader): Buffer {
  return reader.bytes.subarray(reader.at, reader.lineEnd - 1);
}

/** Steps over all lines that are the same on both sides, as far as both are loaded. */
function passCommon(before: RowReader, after: RowReader): void {
  const left = before.bytes;
  const right = after.bytes;
  const l = before.at;
  const r = after.at;
  const most = Math.min(left.length - l, right.length - r);
  const looked = Math.min(most, LOOKED_AT_BYTES);
  let same = 0;
  while (same < looked && left[l + same] === right[r + same]) same++;
  if (same === LOOKED_AT_BYTES) same = commonBytes(left, l, right, r, same, most);
  // Bytes in common end in the middle of a line, unless there is nothing more on a side.
  const end = same === 0 ? -1 : left.subarray(l, l + same).lastIndexOf(LINE_FEED);
  before.at = l + end + 1;
  after.at = r + end + 1;
}

/** How many bytes from `l` and `r` on are the same, at most `most`; the first `same` are known to be. */
function commonBytes(left: Buffer, l: number, right: Buffer, r: number, same: number, most: number): number {
  let common = same;
  let differs = most;
  for (let piece = LOOKED_AT_BYTES; common < most; piece = Math.min(piece * 2, MOST_COMPARED_BYTES)) {
    const bytes = Math.min(piece, most - common);
    if (!agree(left, l + common, right, r + common, bytes)) {
      differs = common + bytes;
      break;
    }
    common += bytes;
  }
  // Somewhere before this they differ: halve the piece until it is one byte.
  while (differs - common > 1) {
    const half = (differs - common) >> 1;
    if (agree(left, l + common, right, r + common, half)) common += half;
    else differs = common + half;
  }
  return common;
}

function agree(left: Buffer, l: number, right: Buffer, r: number, bytes: number): boolean {
  return left.compare(right, r, r + bytes, l, l + bytes) === 0;
}
