import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as onCommandLine from '../../../src/cli/quantity.ts';
import type { Dashboard } from '../../../src/webview/dashboard/messages.ts';
import { Texts } from '../../../src/webview/dashboard/text.ts';
import { formatAge, formatBytes, formatDuration, formatMoment } from '../../../src/vscode/format.ts';

const page = new Texts({ locale: 'en', timeZone: 'America/Los_Angeles' } as Dashboard);

test('moments of the dashboard are those of where the backups are taken, wherever it is looked at', () => {
  const late = Date.parse('2025-03-05T07:30:00Z');
  expect(page.day(late)).toBe('Mar 4, 2025');
  expect(page.moment(late)).toMatch(/^Mar 4, 2025, 11:30\sPM$/);
  expect([page.weekday(late), page.dayOfMonth(late)]).toEqual(['Tue', '4']);
  expect(page.tick(late, true)).toMatch(/^Mar 4, 11:30\sPM$/);
  expect(page.tick(late, false)).toBe('Mar 4, 2025');
});

describe('sizes', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [84_000, '84 KB'],
    [999_600, '1.0 MB'],
    [1_234_567, '1.2 MB'],
    [183_000_000, '183 MB'],
    [2_500_000_000_000, '2.5 TB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes, 'en')).toBe(text));

  test('are never longer than four digits and a unit', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        expect(formatBytes(bytes, 'en')).toMatch(/^\d{1,3}(\.\d)? [KMGTP]?B$/);
      }),
    );
  });
});

describe('ages', () => {
  const now = Date.parse('2025-03-03T12:00:00Z');
  test.each([
    ['2025-03-03T11:59:40Z', 'now'],
    ['2025-03-03T11:48:00Z', '12 min. ago'],
    ['2025-03-03T09:00:00Z', '3 hr. ago'],
    ['2025-03-02T11:00:00Z', 'yesterday'],
    ['2025-02-20T12:00:00Z', '11 days ago'],
    // A clock that was ahead.
    ['2025-03-03T13:00:00Z', 'now'],
  ])('%s was %s', (from, text) => expect(formatAge(Date.parse(from), now, 'en')).toBe(text));

  test.each([1.6, 23.7, 36, 47, 24 * 45])('of %d hours are the same wherever they are told', (hours) => {
    const from = Date.now() - hours * 3_600_000;
    const told = [
      formatAge(from, Date.now(), 'en'),
      page.age(from),
      onCommandLine.formatAge(from, Date.now()),
    ].map((text) => text.replace(/hr\.|hours?/, 'h'));
    expect(new Set(told).size, told.join(', ')).toBe(1);
  });
});

describe('durations', () => {
  test.each([
    [40, '40 ms'],
    [999.6, '1.0 s'],
    [1234, '1.2 s'],
    [12_400, '12.4 s'],
    [59_970, '1 min 0 s'],
    [185_000, '3 min 5 s'],
    [7_500_000, '2 h 5 min'],
  ])('%d ms are %s, on the dashboard and on the command line, too', (ms, text) => {
    expect(formatDuration(ms, 'en')).toBe(text);
    expect(onCommandLine.formatDuration(ms)).toBe(text);
    expect(page.duration(ms).replace('sec', 's').replace('hr', 'h')).toBe(text);
  });
});

describe('moments', () => {
  const now = new Date(2025, 2, 5, 12, 0);
  test.each([
    [new Date(2025, 2, 5, 9, 5), '09:05'],
    [new Date(2025, 2, 3, 10, 42), 'Mon 10:42'],
    [new Date(2025, 1, 3, 0, 0), 'Feb 3 00:00'],
    [new Date(2024, 11, 31, 23, 59), 'Dec 31, 2024 23:59'],
  ])('%s', (at, text) => expect(formatMoment(at, now, 'en')).toBe(text));
});
