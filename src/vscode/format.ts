/** Numbers and times as people read them, in the language of the editor. Pure. */

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A size as “1.2 MB”: decimal units, two digits at least. */
export function formatBytes(bytes: number, locale?: string): string {
  let value = bytes;
  let unit = 0;
  // What would round to 1000 is told in the next unit.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${formatNumber(value, locale, digits)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** A count with its thousands apart. */
export function formatNumber(value: number, locale?: string, digits = 0): string {
  return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** How many times larger one thing is than another, as “14.2×”. */
export function formatRatio(ratio: number, locale?: string): string {
  return `${formatNumber(ratio, locale, ratio < 99.95 ? 1 : 0)}×`;
}

/** How long ago something was, as “12 min. ago”; under a minute: “now”. */
export function formatAge(fromMs: number, nowMs: number, locale?: string): string {
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const passed = Math.max(0, nowMs - fromMs);
  if (passed < MINUTE_MS) return words.format(0, 'second');
  if (passed < HOUR_MS) return words.format(-Math.floor(passed / MINUTE_MS), 'minute');
  if (passed < DAY_MS) return words.format(-Math.floor(passed / HOUR_MS), 'hour');
  return words.format(-Math.floor(passed / DAY_MS), 'day');
}

/** A duration as “40 ms”, “1.4 s”, “3 min 5 s” or “2 h 5 min”. */
export function formatDuration(ms: number, locale?: string): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${formatNumber(ms / 1000, locale, 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** The time of day as “10:42”. */
export function formatTime(at: Date, locale?: string): string {
  return at.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** Date and time, no longer than it takes to tell it from now: “10:42”, “Mon 10:42”, “3 Feb 10:42”, “3 Feb 2024 10:42”. */
export function formatMoment(at: Date, now: Date, locale?: string): string {
  const time = formatTime(at, locale);
  const days = daysBetween(at, now);
  if (days === 0) return time;
  if (days > 0 && days < 7) return `${at.toLocaleDateString(locale, { weekday: 'short' })} ${time}`;
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' as const };
  return `${at.toLocaleDateString(locale, { day: 'numeric', month: 'short', ...year })} ${time}`;
}

/** Date and time in full, for tooltips and reports. */
export function formatFully(at: Date, locale?: string): string {
  return at.toLocaleString(locale, {
    weekday: 'long',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

/** How many midnights of local time lie between two moments. */
export function daysBetween(earlier: Date, later: Date): number {
  const day = (at: Date): number => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
  return Math.round((day(later) - day(earlier)) / DAY_MS);
}
