import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOffPeak, nextOffPeak, endOfOffPeak } from '../../../../src/core/schedule/off-peak.ts';
import {
  latestOccurrence,
  nextOccurrence,
  type Recurrence,
} from '../../../../src/core/schedule/recurrence.ts';
import { daysOfMonth, weekdays } from '../../../../src/core/set/days.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Zones with gaps at night and at midnight, of an hour and of half of one, and without any. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
];

interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly minutes: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** How far the zone's clock is ahead; it changes on quarters of an hour only. */
function offsetOf(ms: number, zone: string): number {
  const quarter = Math.floor(ms / (15 * MINUTE));
  const key = `${zone} ${quarter}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    let format = formats.get(zone);
    if (format === undefined) {
      const date = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
      const clock = { hour: 'numeric', minute: 'numeric', hourCycle: 'h23' } as const;
      format = new Intl.DateTimeFormat('en-US', { ...date, ...clock, timeZone: zone });
      formats.set(zone, format);
    }
    const at = quarter * 15 * MINUTE;
    const parts = Object.fromEntries(
      format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts;
    offset = Date.UTC(year, month - 1, day, hour, minute) - at;
    offsets.set(key, offset);
  }
  return offset;
}

function wallOf(ms: number, zone: string): Wall {
  const wall = new Date(ms + offsetOf(ms, zone));
  return {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    minutes: wall.getUTCHours() * 60 + wall.getUTCMinutes(),
  };
}

function minutesOf(at: string): number {
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Whether a day of the calendar is one of those that are named, told by the calendar alone. */
function isDay({ every, on }: Recurrence, { year, month, day }: Wall): boolean {
  const weekday = weekdays[(new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7]!;
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (every === 'hour' || every === 'day') return true;
  if (every === 'week') return weekday === (on ?? 'sunday');
  if (typeof on === 'number') return day === Math.min(on, lastDay);
  if (on === undefined || on === 'first') return day === 1;
  if (on === 'last') return day === lastDay;
  const [place = '', name] = on.split(' ');
  if (weekday !== name) return false;
  if (place === 'last') return day + 7 > lastDay;
  return Math.ceil(day / 7) === ['first', 'second', 'third', 'fourth'].indexOf(place) + 1;
}

/** Walks minute by minute: every moment at which something recurs. */
function walk(recurrence: Recurrence, fromMs: number, toMs: number, zone: string): number[] {
  const found: number[] = [];
  const wanted = minutesOf(recurrence.at ?? '00:00');
  const start = Math.ceil(fromMs / MINUTE) * MINUTE - 2 * DAY;
  let before = wallOf(start - MINUTE, zone);
  const done = new Set<string>();
  for (let ms = start; ms < toMs; ms += MINUTE) {
    const wall = wallOf(ms, zone);
    if (recurrence.every === 'hour') {
      if (wall.minutes % 60 === 0) found.push(ms);
      continue;
    }
    const isToday = wall.day === before.day;
    // Reached, or jumped over, since the minute before; each day once.
    const reached = wall.minutes >= wanted && (!isToday || before.minutes < wanted);
    const key = `${wall.month} ${wall.day}`;
    if (reached && isDay(recurrence, wall) && !done.has(key)) {
      done.add(key);
      found.push(ms);
    }
    before = wall;
  }
  return found.filter((ms) => ms > fromMs);
}

const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 59))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
const recurrence: fc.Arbitrary<Recurrence> = fc.oneof(
  fc.record({ every: fc.constant('day' as const), at: time }),
  fc.record({ every: fc.constant('week' as const), on: fc.constantFrom(...weekdays), at: time }),
  fc.record({
    every: fc.constant('month' as const),
    on: fc.oneof(fc.constantFrom(...daysOfMonth), fc.integer({ min: 1, max: 31 })),
    at: time,
  }),
);
/** Around the days on which clocks change, and any others. */
const moment = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 2, 5), max: Date.UTC(2026, 3, 8) }),
  fc.integer({ min: Date.UTC(2026, 8, 3), max: Date.UTC(2026, 10, 3) }),
  fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2029, 0, 1) }),
);

describe('when something recurs', () => {
  it('is what a walk through all minutes finds, whatever the zone does to its clocks', () => {
    fc.assert(
      fc.property(recurrence, moment, fc.constantFrom(...ZONES), (each, from, zone) => {
        const spanDays = { hour: 1, day: 3, week: 9, month: 33 }[each.every];
        const walked = walk(each, from, from + spanDays * DAY, zone);
        const asked: number[] = [];
        let at = from;
        for (;;) {
          at = nextOccurrence(each, new Date(at), zone).getTime();
          if (at >= from + spanDays * DAY) break;
          asked.push(at);
        }
        expect(asked.map((ms) => new Date(ms).toISOString())).toEqual(
          walked.map((ms) => new Date(ms).toISOString()),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('is every full hour, also of days with 23 or 25', () => {
    for (const [from, hours] of [
      [Date.UTC(2026, 2, 28, 23), 23],
      [Date.UTC(2026, 9, 24, 22), 25],
    ] as const) {
      let at = new Date(from - 1);
      for (let hour = 0; hour < hours; hour++) {
        at = nextOccurrence({ every: 'hour' }, at, 'Europe/Berlin');
        expect(at.getTime()).toBe(from + hour * 60 * MINUTE);
      }
    }
  });

  it('is found backwards as forwards', () => {
    fc.assert(
      fc.property(recurrence, moment, fc.constantFrom(...ZONES), (each, ms, zone) => {
        const now = new Date(ms);
        const latest = latestOccurrence(each, now, zone);
        expect(latest <= now).toBe(true);
        expect(nextOccurrence(each, latest, zone) > now).toBe(true);
        expect(nextOccurrence(each, new Date(latest.getTime() - 1), zone)).toEqual(latest);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [{ every: 'day', at: '02:30' }, '2026-03-29T00:00Z', '2026-03-29T01:00:00.000Z'],
    [{ every: 'day', at: '02:30' }, '2026-10-25T00:00Z', '2026-10-25T00:30:00.000Z'],
    [{ every: 'day', at: '02:30' }, '2026-10-25T00:30Z', '2026-10-26T01:30:00.000Z'],
    [{ every: 'month', on: 31, at: '12:00' }, '2026-02-01T00:00Z', '2026-02-28T11:00:00.000Z'],
    [{ every: 'month', on: 29, at: '12:00' }, '2028-02-01T00:00Z', '2028-02-29T11:00:00.000Z'],
    [{ every: 'month', on: 'last friday' }, '2026-05-01T00:00Z', '2026-05-28T22:00:00.000Z'],
  ] as const)('%j after %s in Berlin is %s', (each, from, expected) => {
    expect(nextOccurrence(each, new Date(from), 'Europe/Berlin').toISOString()).toBe(expected);
  });
});

describe('off-peak hours', () => {
  const windows = fc.record({ from: time, to: time }).filter(({ from, to }) => from !== to);

  it('hold the same minutes as the clock on the wall says, also across midnight', () => {
    fc.assert(
      fc.property(windows, moment, fc.constantFrom(...ZONES), (window, ms, zone) => {
        const { minutes } = wallOf(ms, zone);
        const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
        const inside = from < to ? from <= minutes && minutes < to : minutes >= from || minutes < to;
        expect(isOffPeak(window, new Date(ms), zone)).toBe(inside);
      }),
    );
  });

  it('begin and end where a walk through the minutes sees them begin and end', () => {
    fc.assert(
      fc.property(
        fc.array(windows, { minLength: 1, maxLength: 2 }),
        moment,
        fc.constantFrom(...ZONES),
        (all, ms, zone) => {
          const start = Math.floor(ms / MINUTE) * MINUTE;
          const walkTo = (isWanted: boolean): number | undefined => {
            for (let at = start; at < start + 2 * DAY; at += MINUTE) {
              if (isOffPeak(all, new Date(at), zone) === isWanted) return at;
            }
            return undefined;
          };
          expect(nextOffPeak(all, new Date(start), zone).getTime()).toBe(walkTo(true));
          const end = isOffPeak(all, new Date(start), zone) ? walkTo(false) : undefined;
          expect(endOfOffPeak(all, new Date(start), zone)?.getTime()).toBe(end);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are always where there are none', () => {
    const now = new Date();
    expect(isOffPeak(undefined, now)).toBe(true);
    expect(nextOffPeak(undefined, now)).toBe(now);
    expect(endOfOffPeak(undefined, now)).toBeUndefined();
  });
});
