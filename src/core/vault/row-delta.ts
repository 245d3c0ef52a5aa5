import { ZstdFrameWriter } from './zstd-writer.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;

/** Compared at once by the runtime while all is as before. */
const STRIDE_BYTES = 4096;
const WORD_BYTES = 4;
/** So much must agree for a place to be the one looked for, or the rest of a line. */
const LEAST_AGREEMENT_BYTES = 16;
/** Where more than this share is new, zstd’s own search is worth its time. */
const MOST_NEW = 1 / 64;
/** Nor is a place looked for any longer than it takes to read all so many times. */
const MOST_SEARCHED_TIMES = 4;
/** A first field longer than this is none that tells lines apart. */
const MOST_KEY_BYTES = 256;
/** A dictionary as short as this is none to zstd. */
const LEAST_DICTIONARY_BYTES = 64;
const LEAST_TABLE_LOG = 6;

/**
 * Codes rows against those of the backup before, as a zstd frame with them as its dictionary, which any zstd decodes. It
 * takes a fraction of zstd’s own time, for where rows are the same is known from their order. What stands at the place where the
 * last copy ended is compared first, then the next field, the next line, and then the line that begins alike.
 * @returns undefined when too much of it is new, or the dictionary is none
 */
export function codeRowDelta(plain: Uint8Array, dictionary: Uint8Array): Buffer | undefined {
  if (dictionary.byteLength < LEAST_DICTIONARY_BYTES) return undefined;
  return new RowMatcher(plain, dictionary).code();
}

/** A place in the new bytes, and the one in the old bytes that is thought to be the same. */
interface Places {
  readonly at: number;
  readonly from: number;
}

class RowMatcher {
  readonly #new: Buffer;
  readonly #old: Buffer;
  readonly #newWords: DataView;
  readonly #oldWords: DataView;
  readonly #frame: ZstdFrameWriter;
  #lines: LineTable | undefined;
  /** Bytes that may yet be looked through. */
  #left: number;

  constructor(plain: Uint8Array, dictionary: Uint8Array) {
    this.#new = bufferOf(plain);
    this.#old = bufferOf(dictionary);
    this.#newWords = wordsOf(plain);
    this.#oldWords = wordsOf(dictionary);
    this.#frame = new ZstdFrameWriter(plain);
    this.#left = plain.byteLength * MOST_SEARCHED_TIMES;
  }

  code(): Buffer | undefined {
    const [plain, old] = [this.#new, this.#old];
    const mostNew = plain.length * MOST_NEW;
    let newBytes = 0;
    /** What is before `at` is coded; the old bytes from `from` on are thought to follow. */
    let at = 0;
    let from = 0;
    while (at < plain.length) {
      const same = this.#agreement(at, from);
      this.#frame.copy(same, old.length + at - from);
      at += same;
      from += same;
      if (at === plain.length) break;
      const next = this.#afterDifference(at, from);
      newBytes += next.at - at;
      if (newBytes > mostNew || this.#left < 0) return undefined;
      this.#frame.literal(next.at - at);
      ({ at, from } = next);
    }
    return this.#frame.finish(old.length);
  }

  /** How many bytes agree from two places on. */
  #agreement(at: number, from: number): number {
    const [plain, old] = [this.#new, this.#old];
    const most = Math.min(plain.length - at, old.length - from);
    let same = 0;
    while (
      same + STRIDE_BYTES <= most &&
      plain.compare(old, from + same, from + same + STRIDE_BYTES, at + same, at + same + STRIDE_BYTES) === 0
    )
      same += STRIDE_BYTES;
    const [newWords, oldWords] = [this.#newWords, this.#oldWords];
    while (
      same + WORD_BYTES <= most &&
      newWords.getInt32(at + same, true) === oldWords.getInt32(from + same, true)
    )
      same += WORD_BYTES;
    while (same < most && plain[at + same] === old[from + same]) same++;
    return same;
  }

  /** Where both agree again, from a place on where they do not. */
  #afterDifference(at: number, from: number): Places {
    return this.#otherLine(at) ?? this.#nextField(at, from) ?? this.#nextKnownLine(at, from);
  }

  /** Where a line differs in its first field, another may be meant: those between are gone. */
  #otherLine(at: number): Places | undefined {
    const plain = this.#new;
    let line = at;
    while (line > 0 && plain[line - 1] !== LINE_FEED) {
      if (at - line === MOST_KEY_BYTES || plain[line - 1] === TAB) return undefined;
      line--;
    }
    const known = this.#find(line);
    if (known === undefined) return undefined;
    const from = known + at - line;
    return this.#agrees(at, from) ? { at, from } : undefined;
  }

  /** The next field of both from which on they agree, up to the end of both lines. */
  #nextField(at: number, from: number): Places | undefined {
    const [plain, old] = [this.#new, this.#old];
    for (let [place, before] = [at, from]; ; place++, before++) {
      const [end, oldEnd] = [fieldEnd(plain, place), fieldEnd(old, before)];
      this.#left -= end - place + (oldEnd - before);
      place = end;
      before = oldEnd;
      if (this.#left < 0 || place === plain.length) return { at: place, from: before };
      if (plain[place] !== old[before]) return undefined;
      if (this.#agrees(place, before)) return this.#reachBack(at, place, before);
      if (plain[place] !== LINE_FEED) continue;
      const known = this.#find(place + 1);
      return known === undefined
        ? { at: place + 1, from: before + 1 }
        : this.#reachBack(at, place + 1, known);
    }
  }

  /** The next line that is known from before. */
  #nextKnownLine(at: number, from: number): Places {
    const plain = this.#new;
    for (let line = lineEnd(plain, at); line < plain.length; line = lineEnd(plain, line)) {
      const known = this.#find(line);
      if (known !== undefined) return this.#reachBack(at, line, known);
    }
    return { at: plain.length, from };
  }

  #find(line: number): number | undefined {
    this.#lines ??= new LineTable(this.#old);
    const known = this.#lines.find(this.#new, line);
    return known !== undefined && this.#agrees(line, known) ? known : undefined;
  }

  #agrees(at: number, from: number): boolean {
    const bytes = Math.min(LEAST_AGREEMENT_BYTES, this.#new.length - at);
    return (
      from + bytes <= this.#old.length &&
      this.#new.compare(this.#old, from, from + bytes, at, at + bytes) === 0
    );
  }

  /** The agreement that is known from a place on begins before it. */
  #reachBack(start: number, at: number, from: number): Places {
    const [plain, old] = [this.#new, this.#old];
    const most = Math.min(at - start, from);
    let back = 0;
    while (back < most && plain[at - back - 1] === old[from - back - 1]) back++;
    return { at: at - back, from: from - back };
  }
}

/** Where the lines of a dictionary begin, by a hash of their first bytes. */
class LineTable {
  readonly #places: Int32Array;
  readonly #mask: number;

  constructor(bytes: Buffer) {
    const log = Math.max(LEAST_TABLE_LOG, Math.ceil(Math.log2(bytes.length / LEAST_AGREEMENT_BYTES)) - 1);
    this.#mask = (1 << log) - 1;
    this.#places = new Int32Array(1 << log).fill(-1);
    for (let line = 0; line + LEAST_AGREEMENT_BYTES <= bytes.length; line = lineEnd(bytes, line))
      this.#places[this.#slot(bytes, line)] = line;
  }

  /** A line that may begin like the one at a place. */
  find(bytes: Buffer, line: number): number | undefined {
    if (line + LEAST_AGREEMENT_BYTES > bytes.length) return undefined;
    const place = this.#places[this.#slot(bytes, line)]!;
    return place < 0 ? undefined : place;
  }

  #slot(bytes: Buffer, line: number): number {
    let hash = 0;
    for (let at = line; at < line + LEAST_AGREEMENT_BYTES; at++)
      hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    return ((hash >>> 15) ^ hash) & this.#mask;
  }
}

/** Where the field ends: at a tab, a line feed or the end. */
function fieldEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== TAB && bytes[at] !== LINE_FEED) at++;
  return at;
}

/** Behind the next line feed, or the end. */
function lineEnd(bytes: Buffer, start: number): number {
  const at = bytes.indexOf(LINE_FEED, start);
  return at < 0 ? bytes.length : at + 1;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
