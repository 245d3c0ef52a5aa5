/** A set of small whole numbers, a bit each. */
export class BitSet {
  readonly #words: Uint32Array;
  #count = 0;

  /** @param size Numbers from 0 to below this can be in the set. */
  constructor(size: number) {
    this.#words = new Uint32Array((size + 31) >>> 5);
  }

  /** How many numbers are in the set. */
  get count(): number {
    return this.#count;
  }

  has(number: number): boolean {
    return ((this.#words[number >>> 5]! >>> (number & 31)) & 1) === 1;
  }

  /** Adds a number; false when it was in the set already. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    this.#words[number >>> 5]! |= 1 << (number & 31);
    this.#count++;
    return true;
  }

  /** A set of its own with the same numbers. */
  copy(): BitSet {
    const copy = new BitSet(this.#words.length * 32);
    copy.#words.set(this.#words);
    copy.#count = this.#count;
    return copy;
  }

  /** The numbers in the set, ascending. */
  *values(): Generator<number> {
    for (let word = 0; word < this.#words.length; word++) {
      for (let rest = this.#words[word]!; rest !== 0; rest &= rest - 1) {
        yield word * 32 + 31 - Math.clz32(rest & -rest);
      }
    }
  }
}
