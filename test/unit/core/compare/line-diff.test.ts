import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines, type LineRun, splitLines } from '../../../../src/core/compare/line-diff.ts';

const lines = fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', 'd\n', '}\n'), { maxLength: 14 });

/** Applies a difference by hand. */
function apply(before: readonly string[], after: readonly string[], runs: readonly LineRun[]): string[] {
  const result: string[] = [];
  for (const { kind, before: from, after: to, count } of runs) {
    if (kind === 'same') result.push(...before.slice(from, from + count));
    if (kind === 'added') result.push(...after.slice(to, to + count));
  }
  return result;
}

function changedLines(runs: readonly LineRun[]): number {
  return runs.reduce((sum, { kind, count }) => sum + (kind === 'same' ? 0 : count), 0);
}

/** The fewest changed lines there can be, by the textbook's table. */
function fewestChanges(before: readonly string[], after: readonly string[]): number {
  let row = after.map((_, at) => at);
  row.push(after.length);
  for (const [number, line] of before.entries()) {
    const next = [number + 1];
    for (const [at, other] of after.entries()) {
      next.push(line === other ? row[at]! : 1 + Math.min(row[at + 1]!, next[at]!));
    }
    row = next;
  }
  return row.at(-1)!;
}

describe('the difference of two texts', () => {
  it('makes one from the other, covers both, and is as small as can be', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const runs = diffLines(before, after);
        expect(apply(before, after, runs)).toEqual(after);
        const inBefore = runs
          .filter(({ kind }) => kind !== 'added')
          .reduce((sum, { count }) => sum + count, 0);
        expect(inBefore).toBe(before.length);
        expect(changedLines(runs)).toBe(fewestChanges(before, after));
      }),
    );
  });

  it('has no two neighbours of one kind', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const kinds = diffLines(before, after).map(({ kind }) => kind);
        expect(kinds.every((kind, at) => kind !== kinds[at + 1])).toBe(true);
      }),
    );
  });

  it('stays correct when the texts are too different to find the smallest', () => {
    const numbers = Array.from({ length: 12_000 }, (_, at) => at);
    const before = numbers.map((number) => `line ${(number * 7919) % 12_000}\n`);
    const after = numbers.map((number) => `line ${(number * 104_729) % 12_000}\n`);
    const runs = diffLines(before, after);
    expect(apply(before, after, runs)).toEqual(after);
    expect(runs.some(({ kind }) => kind === 'same')).toBe(true);
  });

  it('splits text into lines that put together are the text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('x', '\n', '\r\n', ''), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const split = splitLines(text);
        expect(split.join('')).toBe(text);
        expect(split.slice(0, -1).every((line) => line.endsWith('\n'))).toBe(true);
        expect(split.includes('')).toBe(false);
      }),
    );
  });
});
