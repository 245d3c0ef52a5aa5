import { describe, expect, it } from 'vitest';
import type { Work } from '../../../bench/limits.ts';
import { evaluate, median } from '../../../bench/result.ts';

describe('the median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3])).toBe(3);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 4])).toBe(3);
  });
});

describe('limits', () => {
  const samples = (figures: Readonly<Record<string, number>>, work: Work = 'size') =>
    new Map([[work, new Map(Object.entries(figures).map(([tool, value]) => [tool, [value]]))]]);

  it('hold a figure against the smallest of the tools they name', () => {
    const [row] = evaluate(samples({ own: 70, restic: 200, borg: 100 }), 'own');
    expect(row?.limits).toEqual([{ against: ['restic', 'borg'], atMost: 0.8, ratio: 0.7, reached: true }]);
  });

  it('are told as missed when they are', () => {
    const [row] = evaluate(samples({ own: 90, restic: 200, borg: 100 }), 'own');
    expect(row?.limits[0]).toMatchObject({ ratio: 0.9, reached: false });
  });

  it('say nothing when no tool they name was measured', () => {
    const [row] = evaluate(samples({ own: 90 }), 'own');
    expect(row?.limits[0]).not.toHaveProperty('reached');
  });
});
