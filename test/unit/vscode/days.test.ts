import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { groupByPeriod, periodOf, untilMidnightMs } from '../../../src/vscode/tree/days.ts';

const now = new Date(2025, 2, 5, 12, 0);

describe('the period of a backup', () => {
  test.each([
    [new Date(2025, 2, 5, 0, 0), 'today'],
    [new Date(2025, 2, 4, 23, 59), 'yesterday'],
    [new Date(2025, 2, 3, 8, 0), 'week'],
    [new Date(2025, 1, 27, 0, 0), 'week'],
    [new Date(2025, 1, 26, 23, 59), '2025-02'],
    [new Date(2023, 11, 31), '2023-12'],
    // A clock that was ahead.
    [new Date(2025, 2, 6, 1, 0), 'today'],
  ])('%s is %s', (at, key) => expect(periodOf(at, now).key).toBe(key));

  test('grouping keeps every backup and its order', () => {
    const backups = fc.array(fc.date({ noInvalidDate: true, max: new Date(2026, 0, 1) }));
    fc.assert(
      fc.property(backups, (dates) => {
        const newestFirst = dates.map((date) => ({ createdAt: date.toISOString() }));
        newestFirst.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
        const groups = groupByPeriod(newestFirst, now);
        expect(groups.flatMap(({ items }) => items)).toEqual(newestFirst);
        expect(new Set(groups.map(({ period }) => period.key)).size).toBe(groups.length);
      }),
    );
  });
});

describe('until midnight it is', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  test.each([
    ['an hour and a half, on a day of 25 hours whose clocks went back', '2026-10-25T21:30:00Z', 90],
    ['25 hours at its beginning', '2026-10-24T22:00:00Z', 25 * 60],
    ['23 hours on a day whose clocks went forward', '2026-03-28T23:00:00Z', 23 * 60],
    ['a day on any other', '2026-06-10T22:00:00Z', 24 * 60],
  ])('%s', (_, now, minutes) => {
    process.env['TZ'] = 'Europe/Berlin';
    expect(untilMidnightMs(new Date(now)) / 60_000).toBe(minutes);
  });
});
