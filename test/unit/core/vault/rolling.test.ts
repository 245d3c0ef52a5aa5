import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CYCLE_DAYS,
  dayOfPack,
  daysToRead,
  NEVER_READ,
  verifiedSince,
} from '../../../../src/core/vault/rolling.ts';

const DAY = 24 * 60 * 60 * 1000;
const START = Date.UTC(2026, 0, 1);

/** Days on which it runs, as days since the first. */
const runs = fc
  .uniqueArray(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 60 })
  .map((days) => [0, ...days].sort((a, b) => a - b));

describe('the rolling sample', () => {
  it('leaves nothing unread for more than four weeks before a run, however many were missed', () => {
    fc.assert(
      fc.property(runs, (days) => {
        let times = NEVER_READ;
        for (const day of days) {
          const now = new Date(START + day * DAY + 3_600_000);
          for (const one of daysToRead(START, times, now)) {
            times = times.map((time, at) => (at === one ? now.getTime() : time));
          }
          if (day < CYCLE_DAYS - 1) continue;
          for (const time of times) expect(now.getTime() - (time ?? 0)).toBeLessThan(CYCLE_DAYS * DAY);
        }
      }),
    );
  });

  it('reads one day’s share a day, and not twice on the same', () => {
    let times = NEVER_READ;
    const seen = new Set<number>();
    for (let day = 0; day < CYCLE_DAYS; day++) {
      const now = new Date(START + day * DAY);
      const due = daysToRead(START, times, now);
      expect(due).toHaveLength(1);
      seen.add(due[0]!);
      times = times.map((time, at) => (at === due[0] ? now.getTime() : time));
      expect(daysToRead(START, times, now)).toEqual([]);
    }
    expect(seen.size).toBe(CYCLE_DAYS);
  });

  it('does not believe times of the future', () => {
    const now = new Date(START);
    const ahead = NEVER_READ.map(() => START + 1000 * DAY);
    expect(daysToRead(START + 1000 * DAY, ahead, now)).toHaveLength(1);
  });

  it('says of a backup only what was read of all its packs since they were written', () => {
    const [a, b] = ['0'.repeat(64), `${'0'.repeat(11)}1${'0'.repeat(52)}`];
    expect([dayOfPack(a), dayOfPack(b)]).toEqual([0, 1]);
    const times = NEVER_READ.map((_, at) => (at < 2 ? START + at * DAY : null));
    const packs = [a, b].map((id) => ({ id, writtenMs: START - DAY }));
    expect(verifiedSince(packs, times)).toBe(START);
    expect(verifiedSince([...packs, { id: b, writtenMs: START + 2 * DAY }], times)).toBeUndefined();
    expect(verifiedSince([{ id: `${'0'.repeat(11)}2`, writtenMs: 0 }], times)).toBeUndefined();
    expect(verifiedSince([], times)).toBeUndefined();
  });
});
