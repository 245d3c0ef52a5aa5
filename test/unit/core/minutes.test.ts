import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timerMs } from '../../../src/core/minutes.ts';

it('any number of minutes is one that a timer takes: whole, and not at once', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1e9, noNaN: true }), (minutes) => {
      const ms = timerMs(minutes);
      expect(Number.isInteger(ms)).toBe(true);
      if (ms < 2 ** 31 - 1) expect(Math.abs(ms - minutes * 60_000)).toBeLessThanOrEqual(0.5);
      else expect([ms, minutes > 35_000]).toEqual([2 ** 31 - 1, true]);
    }),
  );
});
