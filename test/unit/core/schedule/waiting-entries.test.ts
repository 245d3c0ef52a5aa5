import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextOffPeak, offPeakWait } from '../../../../src/core/schedule/off-peak.ts';
import { waitingEntries } from '../../../../src/core/schedule/waiting-entries.ts';
import { parseSetFile } from '../../../../src/core/set/parse.ts';

/** What is underlined in a set file, and what it waits for. */
function underlined(text: string): string[][] {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  return waitingEntries(text, parseSetFile(text).sets).map((ofSet) =>
    ofSet.map(({ line, column, length, at, until }) => {
      const marked = (lines[line - 1] ?? '').slice(column - 1, column - 1 + length);
      return `${line} ${marked} ${at} ${until}`;
    }),
  );
}

const time = fc.integer({ min: 0, max: 24 * 60 - 1 }).map(timeText);

function timeText(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

describe('entries of a schedule that wait for the off-peak hours', () => {
  it('are found where they stand, and those that need not wait are not', () => {
    const text = `\ufeff// shared
{ "version": 1, "sets": [
  { "name": "none", "files": [{ "root": "." }], "schedule": [{ "every": "day", "at": "12:00" }] },
  { "name": "crm", "files": [{ "root": "." }], "offPeak": [{ "from": "20:00", "to": "23:00" }, { "from": "01:00", "to": "05:00" }],
    "schedule": [
      { "kind": "full", "every": "week", "at": "02:00" }, { /* 😀 */ "every": "day", "at": "12:30" },
      { "every": "day", "at": "23:30" }, { "every": "month" }, { "every": "hour" },
      { "every": "day", "at": "13:00", "anyTime": true },
    ] },
] }`;
    expect(underlined(text)).toEqual([
      [],
      ['6 "12:30" 12:30 20:00', '7 "23:30" 23:30 01:00', '7 { "every": "month" } 00:00 01:00'],
    ]);
  });

  it('wait exactly when, and until, a run at their time would', () => {
    fc.assert(
      fc.property(time, fc.array(fc.record({ from: time, to: time }), { maxLength: 3 }), (at, windows) => {
        const offPeak = windows.filter(({ from, to }) => from !== to);
        const due = new Date(`2026-03-04T${at}:00Z`);
        const start = nextOffPeak(offPeak, due, 'UTC');
        const wait = offPeakWait(offPeak, { every: 'day', at });
        const expected = start > due ? { at, until: start.toISOString().slice(11, 16) } : undefined;
        expect(wait).toEqual(expected);
      }),
    );
  });
});
