import type { Range } from './messages.ts';

/** Which rows are selected, by their numbers: a list of ranges, so that a million rows cost no more than one. */
export class Selection {
  #ranges: readonly Range[] = [];

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  get size(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  has(row: number): boolean {
    return this.#ranges.some(({ start, end }) => row >= start && row < end);
  }

  clear(): void {
    this.#ranges = [];
  }

  /** Selects rows besides those that are. */
  add(start: number, end: number): void {
    const apart = this.#ranges.filter((range) => range.end < start || range.start > end);
    const touching = this.#ranges.filter((range) => range.end >= start && range.start <= end);
    const joined = {
      start: Math.min(start, ...touching.map((range) => range.start)),
      end: Math.max(end, ...touching.map((range) => range.end)),
    };
    this.#ranges = [...apart, joined].sort((a, b) => a.start - b.start);
  }

  /** Selects rows no longer. */
  remove(start: number, end: number): void {
    this.#ranges = this.#ranges.flatMap((range) => [
      ...(range.start < start ? [{ start: range.start, end: Math.min(range.end, start) }] : []),
      ...(range.end > end ? [{ start: Math.max(range.start, end), end: range.end }] : []),
    ]);
  }

  toggle(row: number): void {
    if (this.has(row)) this.remove(row, row + 1);
    else this.add(row, row + 1);
  }
}
