import { diffArrays } from 'diff';

/** Lines that stand at the same time in both texts (`same`), only before (`deleted`) or only after (`added`). */
export interface LineRun {
  readonly kind: 'same' | 'deleted' | 'added';
  /** Number of the first line in the text before, from 0; where it would stand for `added`. */
  readonly before: number;
  /** Number of the first line in the text after, from 0; where it would stand for `deleted`. */
  readonly after: number;
  readonly count: number;
}

/** From here on the shortest difference takes too long to find; one through lines that occur once is taken. */
const MOST_EDITS = 2000;

/** The lines of a text with their ends; the last may have none. */
export function splitLines(text: string): string[] {
  const lines = text.split('\n').map((line) => `${line}\n`);
  const last = lines.pop()?.slice(0, -1);
  if (last !== undefined && last !== '') lines.push(last);
  return lines;
}

/** How one text became the other, line by line, in order: the fewest changes that there can be, or nearly. */
export function diffLines(before: readonly string[], after: readonly string[]): LineRun[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let endBefore = before.length;
  let endAfter = after.length;
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore--;
    endAfter--;
  }
  const runs = new Runs();
  runs.same(start);
  for (const [inBefore, inAfter] of commonLines(before, after, start, endBefore, endAfter)) {
    runs.changedUpTo(inBefore, inAfter);
    runs.same(1);
  }
  runs.changedUpTo(endBefore, endAfter);
  runs.same(before.length - endBefore);
  return runs.all;
}

type Pair = readonly [inBefore: number, inAfter: number];

/** The numbers of lines that the texts have in common, growing on both sides. */
function commonLines(
  before: readonly string[],
  after: readonly string[],
  start: number,
  endBefore: number,
  endAfter: number,
): Pair[] {
  // A line that only one text has is in no common sequence: without these little is left to compare.
  const numbers = new Map<string, number>();
  for (let at = start; at < endBefore; at++) {
    const line = before[at]!;
    if (!numbers.has(line)) numbers.set(line, numbers.size);
  }
  const left: Side = { lines: [], places: [] };
  const right: Side = { lines: [], places: [] };
  const wanted = new Set<number>();
  for (let at = start; at < endAfter; at++) {
    const number = numbers.get(after[at]!);
    if (number === undefined) continue;
    wanted.add(number);
    right.lines.push(number);
    right.places.push(at);
  }
  for (let at = start; at < endBefore; at++) {
    const number = numbers.get(before[at]!)!;
    if (!wanted.has(number)) continue;
    left.lines.push(number);
    left.places.push(at);
  }
  return shortestCommon(left, right) ?? throughUniqueLines(left, right);
}

interface Side {
  readonly lines: number[];
  readonly places: number[];
}

function shortestCommon(left: Side, right: Side): Pair[] | undefined {
  const parts = diffArrays(left.lines, right.lines, { maxEditLength: MOST_EDITS });
  if (parts === undefined) return undefined;
  const pairs: Pair[] = [];
  let inLeft = 0;
  let inRight = 0;
  for (const { count, added, removed } of parts) {
    if (added) inRight += count;
    else if (removed) inLeft += count;
    else {
      for (let at = 0; at < count; at++) pairs.push([left.places[inLeft++]!, right.places[inRight++]!]);
    }
  }
  return pairs;
}

/** Common lines by patience: lines that occur once on each side, the longest growing sequence of them. */
function throughUniqueLines(left: Side, right: Side): Pair[] {
  const placeInRight = uniquePlaces(right);
  const candidates: Pair[] = [];
  for (const [line, place] of uniquePlaces(left)) {
    const other = placeInRight.get(line);
    if (other !== undefined) candidates.push([place, other]);
  }
  candidates.sort(([a], [b]) => a - b);
  return longestGrowing(candidates);
}

function uniquePlaces({ lines, places }: Side): Map<number, number> {
  const found = new Map<number, number>();
  const twice = new Set<number>();
  for (const [at, line] of lines.entries()) {
    if (found.has(line)) twice.add(line);
    else found.set(line, places[at]!);
  }
  for (const line of twice) found.delete(line);
  return found;
}

/** The longest sequence of pairs, given by their first numbers, whose second numbers grow too. */
function longestGrowing(pairs: readonly Pair[]): Pair[] {
  /** For each length the pair that ends such a sequence lowest. */
  const ends: number[] = [];
  const previous: number[] = [];
  for (const [at, [, value]] of pairs.entries()) {
    let low = 0;
    for (let high = ends.length; low < high;) {
      const middle = (low + high) >> 1;
      if (pairs[ends[middle]!]![1] < value) low = middle + 1;
      else high = middle;
    }
    previous[at] = low === 0 ? -1 : ends[low - 1]!;
    ends[low] = at;
  }
  const longest: Pair[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at]!) longest.push(pairs[at]!);
  return longest.reverse();
}

/** Collects runs; neighbours of one kind become one. */
class Runs {
  readonly all: LineRun[] = [];
  #before = 0;
  #after = 0;

  same(count: number): void {
    this.#add('same', count);
    this.#before += count;
    this.#after += count;
  }

  changedUpTo(before: number, after: number): void {
    this.#add('deleted', before - this.#before);
    this.#before = before;
    this.#add('added', after - this.#after);
    this.#after = after;
  }

  #add(kind: LineRun['kind'], count: number): void {
    if (count === 0) return;
    const last = this.all.at(-1);
    if (last?.kind === kind) this.all[this.all.length - 1] = { ...last, count: last.count + count };
    else this.all.push({ kind, before: this.#before, after: this.#after, count });
  }
}
