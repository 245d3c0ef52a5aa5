import { hashBytes, mixed } from './row-hash.ts';

const KIB = 1024;
const LEAST_BYTES = 16 * KIB;
const MOST_BYTES = 64 * KIB;
/** Behind {@link LEAST_BYTES} a chunk goes on for about so many bytes … */
const MORE_BYTES = 16 * KIB;
/** … and ends four times as soon behind this many. */
const HURRY_BYTES = 32 * KIB;
/** A row longer than this is cut into pieces, all but the last of them as long; no other chunk is longer. */
export const PIECE_BYTES = 1024 * KIB;
const FIRST_ROOM_BYTES = 256 * KIB;

const TAB = 0x09;
const LINE_FEED = 0x0a;

/** The first key of a chunk that begins in the middle of a row. */
export const CONTINUES = 0;

/**
 * Cuts a table’s lines into chunks of 16 to 64 KiB at the beginning of rows. Which rows begin a chunk depends on their
 * keys and lengths, so a changed row changes its own chunk, and a chunk is known again by its first row’s key. Where the
 * caller’s blocks end makes no difference.
 */
export class RowChunker {
  readonly #isKey: readonly boolean[];
  readonly #seed: number;
  readonly #take: (chunk: Buffer, firstKey: number) => void;
  #bytes = Buffer.allocUnsafeSlow(FIRST_ROOM_BYTES);
  /** Where the current chunk begins. */
  #start = 0;
  #end = 0;
  /** The row whose turn it is to be looked at, or the chunk’s beginning. */
  #row = 0;
  /** There is no line feed from the row (or the least size) up to here. */
  #searched = 0;
  /** Whether the current chunk begins in the middle of a row. */
  #inRow = false;

  /**
   * @param key numbers of the key’s columns; empty takes the whole line for one
   * @param seed a secret of the vault, so that sizes of chunks tell nothing about known content
   * @param take gets every chunk, valid only during the call, and a hash of its first key, never 0 but for
   *   {@link CONTINUES}
   */
  constructor(key: readonly number[], seed: number, take: (chunk: Buffer, firstKey: number) => void) {
    const last = Math.max(-1, ...key);
    this.#isKey = Array.from({ length: last + 1 }, (_, column) => key.includes(column));
    this.#seed = seed;
    this.#take = take;
  }

  /** Takes the next bytes; the block may be used again afterwards. */
  write(block: Buffer): void {
    for (let at = 0; at < block.length;) {
      this.#makeRoom(Math.min(block.length - at, FIRST_ROOM_BYTES));
      const taken = block.copy(this.#bytes, this.#end, at);
      at += taken;
      this.#end += taken;
      this.#cut();
    }
  }

  /** Ends the table. */
  finish(): void {
    if (this.#start < this.#end) this.#emit(this.#end);
  }

  #makeRoom(wanted: number): void {
    if (this.#bytes.length - this.#end >= wanted) return;
    const held = this.#end - this.#start;
    const bytes =
      held + wanted <= this.#bytes.length
        ? this.#bytes
        : Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, held + wanted));
    this.#bytes.copy(bytes, 0, this.#start, this.#end);
    this.#bytes = bytes;
    this.#row -= this.#start;
    this.#searched -= this.#start;
    this.#end = held;
    this.#start = 0;
  }

  #cut(): void {
    while (
      this.#inRow ? this.#endPiece() : this.#row === this.#start ? this.#passLeast() : this.#lookAtRow()
    );
  }

  /** In a row that was cut: the next piece, or its end. */
  #endPiece(): boolean {
    const after = this.#afterLineFeed(this.#start);
    if (after === undefined ? this.#end - this.#start <= PIECE_BYTES : false) return false;
    const piece = after === undefined || after - this.#start > PIECE_BYTES;
    this.#emit(piece ? this.#start + PIECE_BYTES : after);
    this.#inRow = piece;
    return true;
  }

  /** Finds the first row behind the least size; if that is too far, the row before it is cut off or in pieces. */
  #passLeast(): boolean {
    const least = this.#start + LEAST_BYTES;
    if (this.#end < least) return false;
    const after = this.#afterLineFeed(least - 1);
    const bytes = (after ?? this.#end) - this.#start;
    if (bytes <= MOST_BYTES) {
      if (after === undefined) return false;
      this.#row = after;
      this.#searched = after;
      return true;
    }
    const spanning = this.#bytes.subarray(this.#start, least - 1).lastIndexOf(LINE_FEED) + 1;
    if (spanning > 0) {
      this.#emit(this.#start + spanning);
      return true;
    }
    if (bytes > PIECE_BYTES) {
      this.#emit(this.#start + PIECE_BYTES);
      this.#inRow = true;
      return true;
    }
    if (after === undefined) return false;
    this.#emit(after);
    return true;
  }

  /** Decides whether a row begins a new chunk. */
  #lookAtRow(): boolean {
    const row = this.#row;
    const after = this.#afterLineFeed(row);
    if ((after ?? this.#end) - this.#start > MOST_BYTES) {
      this.#emit(row);
      return true;
    }
    if (after === undefined) return false;
    const hurry = row - this.#start >= HURRY_BYTES ? 4 : 1;
    if (this.#hash(row, after) < ((after - row) * hurry * 2 ** 32) / MORE_BYTES) this.#emit(row);
    else {
      this.#row = after;
      this.#searched = after;
    }
    return true;
  }

  /** Behind the first line feed from a place on. */
  #afterLineFeed(from: number): number | undefined {
    const at = this.#bytes.indexOf(LINE_FEED, Math.max(from, this.#searched));
    // Behind the end stands what was there before.
    const isFound = at >= 0 && at < this.#end;
    this.#searched = isFound ? at : this.#end;
    return isFound ? at + 1 : undefined;
  }

  #emit(end: number): void {
    const start = this.#start;
    let firstKey = CONTINUES;
    if (!this.#inRow) {
      const lineFeed = this.#bytes.subarray(start, end).indexOf(LINE_FEED);
      firstKey = this.#hash(start, lineFeed < 0 ? end : start + lineFeed + 1) || 1;
    }
    this.#take(this.#bytes.subarray(start, end), firstKey);
    this.#start = end;
    this.#row = end;
    this.#searched = end;
  }

  /** A hash of a row’s key, evenly spread over 32 bits. */
  #hash(row: number, after: number): number {
    const isKey = this.#isKey;
    const bytes = this.#bytes;
    if (isKey.length === 0) return mixed(hashBytes(bytes, row, after, this.#seed));
    let hash = this.#seed;
    let start = row;
    for (const isPart of isKey) {
      let end = start;
      while (end < after && bytes[end] !== TAB) end++;
      if (isPart) hash = hashBytes(bytes, start, Math.min(end + 1, after), hash);
      start = end + 1;
    }
    return mixed(hash);
  }
}
