/** How the numbers of zstd’s sequences become codes and bits (RFC 8878 §3.1.1.3.2 and §4.1). */

/**
 * How values become codes with bits behind them: those below `direct` are their own codes; code `direct + n` stands for
 * `base[n]` and as many more as `bits[n]` hold.
 */
export interface Codes {
  readonly direct: number;
  readonly base: readonly number[];
  readonly bits: readonly number[];
}

export const LITERAL_CODES: Codes = {
  direct: 16,
  base: [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
  bits: [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
};
/** Of lengths less the least that is copied, 3. */
export const COPY_CODES: Codes = {
  direct: 32,
  base: [
    32, 34, 36, 38, 40, 44, 48, 56, 64, 80, 96, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536,
  ],
  bits: [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
};

const ones = (count: number, value = 1): number[] => Array.from({ length: count }, () => value);
export const LITERAL_TABLE = codeTable(
  [4, 3, ...ones(11, 2), 1, 1, 1, ...ones(9, 2), 3, 2, ...ones(5), ...ones(4, -1)],
  6,
);
export const OFFSET_TABLE = codeTable([...ones(6), 2, 2, 2, ...ones(15), ...ones(5, -1)], 5);
export const COPY_TABLE = codeTable([1, 4, 3, ...ones(6, 2), ...ones(37), ...ones(7, -1)], 6);

/** A table of finite state entropy coding: from states and symbols to bits and states. */
interface CodeTable {
  readonly log: number;
  readonly states: Uint16Array;
  readonly deltaBits: Int32Array;
  readonly deltaState: Int32Array;
}

/** Makes a coding table of a distribution as libzstd and §4.1.1 lay it out; -1 is “less than one”. */
function codeTable(distribution: readonly number[], log: number): CodeTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  let high = size - 1;
  const starts: number[] = [];
  let total = 0;
  for (const [symbol, share] of distribution.entries()) {
    starts.push(total);
    total += Math.abs(share);
    if (share === -1) symbols[high--] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let place = 0;
  for (const [symbol, share] of distribution.entries()) {
    for (let count = 0; count < share; count++) {
      symbols[place] = symbol;
      do place = (place + step) & (size - 1);
      while (place > high);
    }
  }
  const states = new Uint16Array(size);
  const next = [...starts];
  for (const [at, symbol] of symbols.entries()) states[next[symbol]!++] = size + at;
  const deltaBits = new Int32Array(distribution.length);
  const deltaState = new Int32Array(distribution.length);
  for (const [symbol, share] of distribution.entries()) {
    const count = Math.abs(share);
    const most = count === 1 ? log : log - (31 - Math.clz32(count - 1));
    deltaBits[symbol] = (most << 16) - (count << most);
    deltaState[symbol] = starts[symbol]! - count;
  }
  return { log, states, deltaBits, deltaState };
}

/** A value’s code, and the bits behind it. */
export function codeOf(
  { direct, base, bits }: Codes,
  value: number,
): { code: number; bits: number; extra: number } {
  if (value < direct) return { code: value, bits: 0, extra: 0 };
  let at = base.length - 1;
  while (base[at]! > value) at--;
  return { code: direct + at, bits: bits[at]!, extra: value - base[at]! };
}

/** Bits from the low end of each byte up; a decoder reads them from the end. */
export class BitWriter {
  readonly #bytes: Buffer;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Adds up to 16 bits. */
  add(value: number, bits: number): void {
    this.#held |= (value & ((1 << bits) - 1)) << this.#count;
    this.#count += bits;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes[this.#at++] = this.#held & 0xff;
      this.#held >>>= 8;
    }
  }

  /** Marks the end; where it is. */
  finish(): number {
    this.add(1, 1);
    if (this.#count > 0) this.#bytes[this.#at++] = this.#held;
    return this.#at;
  }
}

/** One of the three interleaved streams of codes. */
export class CodeStream {
  readonly #table: CodeTable;
  #state = 0;

  constructor(table: CodeTable) {
    this.#table = table;
  }

  /** The code a decoder gets last. */
  begin(code: number): void {
    const { states, deltaBits, deltaState } = this.#table;
    const bits = (deltaBits[code]! + (1 << 15)) >> 16;
    this.#state = states[(((bits << 16) - deltaBits[code]!) >> bits) + deltaState[code]!]!;
  }

  add(code: number, out: BitWriter): void {
    const { states, deltaBits, deltaState } = this.#table;
    const bits = (this.#state + deltaBits[code]!) >> 16;
    out.add(this.#state, bits);
    this.#state = states[(this.#state >> bits) + deltaState[code]!]!;
  }

  finish(out: BitWriter): void {
    out.add(this.#state, this.#table.log);
  }
}
