import type { DumpedColumn } from '../engine.ts';
import { lengthBytes, longLength, NULL_VALUE } from './packets.ts';

const NO_PART = -1;
const FIRST_ROOM_BYTES = 64;

/** A part of a key: where it stands in the row at hand, and what it was in the row before. */
interface Part {
  readonly isNumber: boolean;
  start: number;
  end: number;
  before: Buffer;
  beforeBytes: number;
}

/**
 * Watches whether rows of the text protocol come in the order of a dump, where an index gives them in the order of a
 * collation. Numbers an index orders as a dump does; texts it need not.
 */
export class KeyWatch {
  /** In the order of the key. */
  readonly #parts: readonly Part[];
  /** For the columns up to the last of the key: which part they are. */
  readonly #partOf: readonly number[];
  #isFirst = true;

  /** @param key numbers of the key’s columns in the order of the key */
  constructor(columns: readonly Pick<DumpedColumn, 'sorts'>[], key: readonly number[]) {
    this.#parts = key.map((column) => ({
      isNumber: columns[column]?.sorts === 'number',
      start: 0,
      end: 0,
      before: Buffer.allocUnsafeSlow(FIRST_ROOM_BYTES),
      beforeBytes: 0,
    }));
    this.#partOf = Array.from({ length: Math.max(...key) + 1 }, (_, column) => {
      const part = key.indexOf(column);
      return part < 0 ? NO_PART : part;
    });
  }

  /** Whether the row that begins at `start` comes behind the one before. */
  takes(bytes: Buffer, start: number): boolean {
    this.#findParts(bytes, start);
    const isBehind = this.#isFirst || this.#isBehind(bytes);
    this.#isFirst = false;
    for (const part of this.#parts) keep(part, bytes);
    return isBehind;
  }

  #findParts(bytes: Buffer, start: number): void {
    let at = start;
    for (const number of this.#partOf) {
      let length = bytes[at++]!;
      if (length === NULL_VALUE) length = 0;
      else if (length > NULL_VALUE) {
        const size = lengthBytes(length);
        length = longLength(bytes, at, size);
        at += size;
      }
      const part = this.#parts[number];
      if (part !== undefined) {
        part.start = at;
        part.end = at + length;
      }
      at += length;
    }
  }

  #isBehind(bytes: Buffer): boolean {
    for (const { isNumber, start, end, before, beforeBytes } of this.#parts) {
      const most = Math.min(end - start, beforeBytes);
      let same = 0;
      while (same < most && bytes[start + same] === before[same]) same++;
      if (same === end - start && same === beforeBytes) continue;
      if (isNumber) return true;
      return same === beforeBytes || (same < most && bytes[start + same]! > before[same]!);
    }
    return true;
  }
}

function keep(part: Part, bytes: Buffer): void {
  const { start, end } = part;
  const length = end - start;
  if (part.before.length < length) part.before = Buffer.allocUnsafeSlow(length * 2);
  const { before } = part;
  for (let at = 0; at < length; at++) before[at] = bytes[start + at]!;
  part.beforeBytes = length;
}
