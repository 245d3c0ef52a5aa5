import type { PairedKeyColumn } from './rows-layout.ts';
import { endsField, fieldStart, unescapedByte } from '../database/line.ts';

const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Whole numbers of so many digits are exact as JavaScript’s own. */
const EXACT_DIGITS = 15;

/**
 * Orders two lines by their keys as engines order rows: -1, 0 or 1. Works on the bytes; nothing is decoded.
 * @param beforeAt where the line begins
 */
export function compareKeys(
  before: Buffer,
  beforeAt: number,
  after: Buffer,
  afterAt: number,
  key: readonly PairedKeyColumn[],
): number {
  for (const column of key) {
    const left = fieldStart(before, beforeAt, column.before);
    const right = fieldStart(after, afterAt, column.after);
    const order =
      column.sorts === 'number'
        ? compareNumbers(before, left, after, right)
        : compareBytes(before, left, after, right);
    if (order !== 0) return order;
  }
  return 0;
}

/** Orders two fields by their bytes without escapes. */
function compareBytes(before: Buffer, beforeAt: number, after: Buffer, afterAt: number): number {
  let left = beforeAt;
  let right = afterAt;
  for (;;) {
    let a = before[left++];
    let b = after[right++];
    const leftEnds = endsField(a);
    const rightEnds = endsField(b);
    if (leftEnds || rightEnds) return leftEnds ? (rightEnds ? 0 : -1) : 1;
    if (a === BACKSLASH) a = unescapedByte(before[left++]!);
    if (b === BACKSLASH) b = unescapedByte(after[right++]!);
    if (a !== b) return a! < b! ? -1 : 1;
  }
}

/** Orders two fields as signed decimal numbers. */
function compareNumbers(before: Buffer, beforeAt: number, after: Buffer, afterAt: number): number {
  const left = wholeNumber(before, beforeAt);
  const right = wholeNumber(after, afterAt);
  if (left !== undefined && right !== undefined) return left === right ? 0 : left < right ? -1 : 1;
  return compareDecimals(textOf(before, beforeAt), textOf(after, afterAt));
}

/** A short whole number; undefined for any other. */
function wholeNumber(bytes: Buffer, start: number): number | undefined {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  let value = 0;
  let at = first;
  for (let byte = bytes[at]; !endsField(byte); byte = bytes[++at]) {
    if (byte! < ZERO || byte! > NINE) return undefined;
    value = value * 10 + byte! - ZERO;
  }
  if (at - first > EXACT_DIGITS) return undefined;
  return isNegative ? 0 - value : value;
}

function textOf(bytes: Buffer, start: number): string {
  let end = start;
  while (!endsField(bytes[end])) end++;
  return bytes.toString('latin1', start, end);
}

/** Orders decimal numbers of any length: sign, then length of the whole part, then digit by digit. */
function compareDecimals(left: string, right: string): number {
  const a = decimalParts(left);
  const b = decimalParts(right);
  if (a.isNegative !== b.isNegative) return a.isNegative ? -1 : 1;
  const order =
    a.whole.length - b.whole.length || textOrder(a.whole, b.whole) || textOrder(a.fraction, b.fraction);
  return Math.sign(a.isNegative ? -order : order) + 0;
}

function decimalParts(text: string): { isNegative: boolean; whole: string; fraction: string } {
  const [, sign, digits = '', decimals = ''] = /^([+-]?)0*(\d*)(?:\.(\d*))?$/.exec(text) ?? ['', '', text];
  const fraction = decimals.replace(/0+$/, '');
  return { isNegative: sign === '-' && (digits !== '' || fraction !== ''), whole: digits, fraction };
}

function textOrder(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
