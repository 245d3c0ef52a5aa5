/** A stream of pseudo-random numbers: the same seed gives the same stream everywhere. Not for secrets. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T;
  /** True once in `n` times on average. */
  oneIn(n: number): boolean;
  /** `length` bytes that do not compress. */
  bytes(length: number): Buffer;
}

/** Makes the stream of a seed; a string seed keeps streams of different uses apart. */
export function createRandom(seed: number | string): Random {
  let state = typeof seed === 'number' ? seed >>> 0 : hashText(seed);

  // mulberry32: 32 bits of state are plenty for sample data, and it is a few multiplications a number.
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };

  const next = (): number => word() / 2 ** 32;
  const integer = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));

  return {
    next,
    integer,
    pick<T>(items: readonly T[]): T {
      const item = items[integer(0, items.length - 1)];
      if (item === undefined) throw new RangeError('Cannot pick from an empty list.');
      return item;
    },
    oneIn: (n) => next() * n < 1,
    bytes(length: number): Buffer {
      const buffer = Buffer.allocUnsafe(length);
      let offset = 0;
      for (; offset + 4 <= length; offset += 4) buffer.writeUInt32LE(word(), offset);
      for (; offset < length; offset += 1) buffer[offset] = word() & 0xff;
      return buffer;
    },
  };
}

/** FNV-1a over UTF-16 code units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
