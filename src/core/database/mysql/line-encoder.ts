import { lengthBytes, longLength, NULL_VALUE } from './packets.ts';

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

/** A NULL in a row is one byte, in a line three. */
const MOST_GROWTH = 3;
/** Bytes looked at and copied at once. */
const WORD_BYTES = 4;

const HEX_DIGITS = Buffer.from('0123456789ABCDEF');
/** For bytes that must not stand in a field: what follows the backslash; 0 for all others. */
const ESCAPES = new Uint8Array(256);
ESCAPES[TAB] = 0x74;
ESCAPES[LINE_FEED] = 0x6e;
ESCAPES[0x0d] = 0x72;
ESCAPES[BACKSLASH] = BACKSLASH;
/** All that need an escape but the backslash are below this. */
const ABOVE_CONTROLS = 0x0e0e0e0e;
const BACKSLASHES = 0x5c5c5c5c;
const ONES = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

/**
 * Turns rows of the text protocol into lines, bytes into bytes: tabs between fields, `\N` for NULL, COPY’s escapes. No
 * value becomes a string or a number on the way.
 */
export class LineEncoder {
  readonly #forms: Uint8Array;
  #out: Buffer;
  #outWords: DataView;
  #length = 0;
  #in: Buffer | undefined;
  #inWords: DataView = wordsOf(Buffer.alloc(0));

  /** @param roomBytes how much it is expected to hold before it is emptied */
  constructor(forms: readonly FieldForm[], roomBytes: number) {
    this.#forms = Uint8Array.from(forms, (form) => FORMS[form]);
    this.#out = Buffer.allocUnsafeSlow(roomBytes);
    this.#outWords = wordsOf(this.#out);
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
    if (bytes !== this.#in) {
      this.#in = bytes;
      this.#inWords = wordsOf(bytes);
    }
    const words = this.#inWords;
    const outWords = this.#outWords;
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
        const size = lengthBytes(length);
        length = longLength(bytes, at, size);
        at += size;
      }
      const after = at + length;
      const form = forms[column]!;
      if (form === HEX) {
        for (; at < after; at++) {
          const byte = bytes[at]!;
          out[o++] = HEX_DIGITS[byte >> 4]!;
          out[o++] = HEX_DIGITS[byte & 15]!;
        }
        continue;
      }
      const isPlain = form === PLAIN;
      const lastWord = after - WORD_BYTES;
      while (at < after) {
        for (; at <= lastWord; at += WORD_BYTES, o += WORD_BYTES) {
          const word = words.getInt32(at, true);
          if (!isPlain && mayNeedEscape(word)) break;
          outWords.setInt32(o, word, true);
        }
        // A word with something to escape, or what is left.
        for (const next = at <= lastWord ? at + WORD_BYTES : after; at < next; at++) {
          const byte = bytes[at]!;
          const escape = isPlain ? 0 : ESCAPES[byte]!;
          if (escape === 0) out[o++] = byte;
          else {
            out[o++] = BACKSLASH;
            out[o++] = escape;
          }
        }
      }
    }
    out[o++] = LINE_FEED;
    this.#length = o;
  }

  #grow(room: number): void {
    const out = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, this.#length + room));
    this.#out.copy(out, 0, 0, this.#length);
    this.#out = out;
    this.#outWords = wordsOf(out);
  }
}

function wordsOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Whether a byte of a word is a control character or a backslash; true of some other words, too. */
function mayNeedEscape(word: number): boolean {
  const backslash = word ^ BACKSLASHES;
  return ((((word - ABOVE_CONTROLS) & ~word) | ((backslash - ONES) & ~backslash)) & HIGH_BITS) !== 0;
}
