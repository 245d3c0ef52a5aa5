import type { BackupSet, OffPeakWindow, ScheduleEntry } from '../set/definition.ts';
import { nextOccurrence } from './recurrence.ts';

/** The hours of a set in which alone what is scheduled starts; none means always. */
export type OffPeak = BackupSet['offPeak'];

/**
 * Whether scheduled work may start now. The wall clock counts: on days on which clocks are changed a window is an hour
 * longer or shorter.
 */
export function isOffPeak(offPeak: OffPeak, now: Date, zone?: string): boolean {
  return isOffPeakAt(offPeak, wallTime(now, zone));
}

/** Whether scheduled work may start when the clock on the wall shows a time, as `23:05`. Pure. */
function isOffPeakAt(offPeak: OffPeak, time: string): boolean {
  const windows = windowsOf(offPeak);
  if (windows.length === 0) return true;
  return windows.some(({ from, to }) => (from < to ? from <= time && time < to : time >= from || time < to));
}

/** Of an entry whose time of day lies outside the off-peak hours: that time, and when the hours begin that it waits for. */
export interface OffPeakWait {
  /** As `12:30`. */
  readonly at: string;
  readonly until: string;
}

/** What an entry of a schedule always waits for; undefined when it starts at its own time. Pure. */
export function offPeakWait(
  offPeak: OffPeak,
  { every, at = '00:00', anyTime = false }: Pick<ScheduleEntry, 'every' | 'at' | 'anyTime'>,
): OffPeakWait | undefined {
  if (every === 'hour' || anyTime || isOffPeakAt(offPeak, at)) return undefined;
  const begins = windowsOf(offPeak)
    .map(({ from }) => from)
    .sort();
  return { at, until: begins.find((from) => from > at) ?? begins[0]! };
}

/** The first moment from `from` on, that one included, at which scheduled work may start. */
export function nextOffPeak(offPeak: OffPeak, from: Date, zone?: string): Date {
  if (isOffPeak(offPeak, from, zone)) return from;
  return earliest(
    windowsOf(offPeak).map((window) => window.from),
    from,
    zone,
  );
}

/** When the window ends that `now` is in; undefined when it never does. */
export function endOfOffPeak(offPeak: OffPeak, now: Date, zone?: string): Date | undefined {
  const ends = windowsOf(offPeak).map(({ to }) => to);
  if (ends.length === 0 || !isOffPeak(offPeak, now, zone)) return undefined;
  // A window may go on where another ends.
  let end = now;
  for (let round = 0; round <= ends.length; round++) {
    end = earliest(ends, end, zone);
    if (!isOffPeak(offPeak, end, zone)) return end;
  }
  return undefined;
}

function earliest(times: readonly string[], after: Date, zone: string | undefined): Date {
  const next = times.map((at) => nextOccurrence({ every: 'day', at }, after, zone).getTime());
  return new Date(Math.min(...next));
}

function windowsOf(offPeak: OffPeak): readonly OffPeakWindow[] {
  if (offPeak === undefined) return [];
  return Array.isArray(offPeak) ? (offPeak as readonly OffPeakWindow[]) : [offPeak as OffPeakWindow];
}

/** What the clock on the wall shows, as `23:05`. */
function wallTime(date: Date, zone: string | undefined): string {
  return formatter(zone).format(date);
}

const formatters = new Map<string | undefined, Intl.DateTimeFormat>();

function formatter(zone: string | undefined): Intl.DateTimeFormat {
  let format = formatters.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(zone === undefined ? {} : { timeZone: zone }),
    });
    formatters.set(zone, format);
  }
  return format;
}
