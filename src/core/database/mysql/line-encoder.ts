/** How a value of a row becomes a field of a line: as it is, with escapes, or as hexadecimal digits. */
export type FieldForm = 'plain' | 'text' | 'hex';

const PLAIN = 0;
const TEXT = 1;
const HEX = 2;
const FORMS: Readonly<Record<FieldForm, number>> = { plain: PLAIN, text: TEXT, hex: HEX };

const TAB = 0x09;
const LINE_FEED = 0x0a;
const BACKSLASH = 0x5c;
const CAPITAL_N = 0x4e;
const NULL_VALUE = 0xfb;

/** A NULL in a row is one byte, in a line three. */
const MOST_GROWTH = 3;
/** Longer values are copied by the runtime, shorter ones byte by byte. */
const SHORT_BYTES = 48;

const HEX_DIGITS = Buffer.from('0123456789ABCDEF');
/** For bytes that must not stand in a field: what follows the backslash; 0 for all others. */
const ESCAPES = new Uint8Array(256);
ESCAPES[TAB] = 0x74;
ESCAPES[LINE_FEED] = 0x6e;
ESCAPES[0x0d] = 0x72;
ESCAPES[BACKSLASH] = BACKSLASH;
const ESCAPED = [TAB, LINE_FEED, 0x0d, BACKSLASH] as const;

/**
 * Turns rows of the text protocol into lines, bytes into bytes: tabs between fields, `\N` for NULL, COPY’s escapes. No
 * value becomes a string or a number on the way.
 */
export class LineEncoder {
  readonly #forms: Uint8Array;
  #out: Buffer;
  #length = 0;
  /** Where each of {@link ESCAPED} stands next in `#searched`; -1 is not known. */
  readonly #next = new Int32Array(ESCAPED.length);
  #searched: Buffer | undefined;
  #searchedTo = 0;

  /** @param roomBytes how much it is expected to hold before it is emptied */
  constructor(forms: readonly FieldForm[], roomBytes: number) {
    this.#forms = Uint8Array.from(forms, (form) => FORMS[form]);
    this.#out = Buffer.allocUnsafeSlow(roomBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** The lines so far. Valid until the next row. */
  take(): Buffer {
    const lines = this.#out.subarray(0, this.#length);
    this.#length = 0;
    return lines;
  }

  /** Adds the row that stands in `bytes` from `start` to `end`. */
  add(bytes: Buffer, start: number, end: number): void {
    const room = (end - start + 1) * MOST_GROWTH;
    if (this.#out.length - this.#length < room) this.#grow(room);
    // Bytes that begin before the last row’s end are others than those that were searched.
    if (bytes !== this.#searched || start < this.#searchedTo) this.#next.fill(-1);
    this.#searched = bytes;
    this.#searchedTo = end;
    const out = this.#out;
    const forms = this.#forms;
    let o = this.#length;
    let at = start;
    for (let column = 0; column < forms.length; column++) {
      if (column > 0) out[o++] = TAB;
      let length = bytes[at++]!;
      if (length >= NULL_VALUE) {
        if (length === NULL_VALUE) {
          out[o++] = BACKSLASH;
          out[o++] = CAPITAL_N;
          continue;
        }
        const size = length === 0xfc ? 2 : length === 0xfd ? 3 : 8;
        length = size === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, size);
        at += size;
      }
      const after = at + length;
      const form = forms[column]!;
      if (form === TEXT && (length <= SHORT_BYTES || this.#escapes(bytes, at, after))) {
        for (; at < after; at++) {
          const byte = bytes[at]!;
          const escape = ESCAPES[byte]!;
          if (escape === 0) out[o++] = byte;
          else {
            out[o++] = BACKSLASH;
            out[o++] = escape;
          }
        }
      } else if (form === HEX) {
        for (; at < after; at++) {
          const byte = bytes[at]!;
          out[o++] = HEX_DIGITS[byte >> 4]!;
          out[o++] = HEX_DIGITS[byte & 15]!;
        }
      } else if (length <= SHORT_BYTES) while (at < after) out[o++] = bytes[at++]!;
      else {
        o += bytes.copy(out, o, at, after);
        at = after;
      }
    }
    out[o++] = LINE_FEED;
    this.#length = o;
  }

  /**
   * Whether a value needs escapes. Where the next bytes stand that do is remembered, so that the runtime searches what
   * the server sent only about once for each of them.
   */
  #escapes(bytes: Buffer, at: number, after: number): boolean {
    let found = false;
    for (let index = 0; index < ESCAPED.length; index++) {
      let next = this.#next[index]!;
      if (next < at) {
        next = bytes.indexOf(ESCAPED[index]!, at);
        if (next < 0) next = bytes.length;
        this.#next[index] = next;
      }
      if (next < after) found = true;
    }
    return found;
  }

  #grow(room: number): void {
    const out = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, this.#length + room));
    this.#out.copy(out, 0, 0, this.#length);
    this.#out = out;
  }
}
