/** A length of time by the calendar: months are as long as they are, and days as the clocks make them. */
export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/** How a span is written: `30d`, `1y6m`, `2d12h`. Each unit once, in this order. */
export const SPAN_PATTERN = '^(?=.)([0-9]{1,4}y)?([0-9]{1,4}m)?([0-9]{1,4}d)?([0-9]{1,5}h)?$';

const SPAN = new RegExp(SPAN_PATTERN);

/** Reads a span as the set file writes it; undefined when it is none. */
export function parseSpan(text: string): CalendarSpan | undefined {
  const parts = SPAN.exec(text);
  if (parts === null) return undefined;
  const [years, months, days, hours] = parts
    .slice(1)
    .map((part?: string) => Number.parseInt(part ?? '0', 10));
  return { years: years!, months: months!, days: days!, hours: hours! };
}

/** What is wrong with a span as it is written; undefined when it is one. */
export function spanProblem(text: string): string | undefined {
  const span = parseSpan(text);
  if (span === undefined) return 'must be a length of time, as “30d”, “1y6m” or “2d12h” (y, m, d, h)';
  const isNothing = Object.values(span).every((count: number) => count === 0);
  return isNothing ? 'must be longer than nothing' : undefined;
}

/** A span as the set file writes it. */
export function spanText({ years, months, days, hours }: CalendarSpan): string {
  const parts = [
    [years, 'y'],
    [months, 'm'],
    [days, 'd'],
    [hours, 'h'],
  ] as const;
  return parts.map(([count, unit]) => (count === 0 ? '' : `${count}${unit}`)).join('');
}

/**
 * The moment so long before another, in the process's time zone; milliseconds since 1970. Before all calendars it is
 * -Infinity.
 */
export function before(momentMs: number, { years, months, days, hours }: CalendarSpan): number {
  const moment = new Date(momentMs);
  moment.setFullYear(moment.getFullYear() - years, moment.getMonth() - months, moment.getDate() - days);
  const beforeDaysMs = moment.getTime();
  return Number.isNaN(beforeDaysMs) ? -Infinity : beforeDaysMs - hours * 3_600_000;
}
