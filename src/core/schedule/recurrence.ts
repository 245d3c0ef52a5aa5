import { Cron } from 'croner';
import { weekdays, type Place, type Weekday } from '../set/days.ts';
import type { ScheduleEntry } from '../set/definition.ts';

/** When something recurs. */
export type Recurrence = Pick<ScheduleEntry, 'every' | 'on' | 'at'>;

const NTH: Readonly<Record<Place, string>> = {
  first: '#1',
  second: '#2',
  third: '#3',
  fourth: '#4',
  last: '#L',
};

/**
 * The first moment after `after` at which something recurs, to the minute. A time that a day skips, because clocks are
 * put forward, is the first moment after the gap; of one that it has twice the first counts.
 * @param zone IANA name of the time zone; by default that of this machine
 */
export function nextOccurrence(recurrence: Recurrence, after: Date, zone?: string): Date {
  const next = cronsOf(recurrence, zone)
    .map((cron) => cron.nextRun(after))
    .filter((date) => date !== null);
  return new Date(Math.min(...next.map(Number)));
}

/** The last moment up to `now`, that one included, at which something recurs; counts as {@link nextOccurrence}. */
export function latestOccurrence(recurrence: Recurrence, now: Date, zone?: string): Date {
  // Backwards the library knows no gaps; forwards from well before there are none to know.
  const spanDays = { hour: 1, day: 3, week: 9, month: 64 }[recurrence.every];
  let latest = new Date(now.getTime() - spanDays * 86_400_000);
  for (;;) {
    const next = nextOccurrence(recurrence, latest, zone);
    if (next > now) return latest;
    latest = next;
  }
}

/** The recurrence as one or two of the library's; kept, because they are asked every minute. */
function cronsOf(recurrence: Recurrence, zone: string | undefined): readonly Cron[] {
  const key = `${zone ?? ''} ${patternsOf(recurrence).join('|')}`;
  let crons = known.get(key);
  if (crons === undefined) {
    const options = zone === undefined ? {} : { timezone: zone };
    crons = patternsOf(recurrence).map((pattern) => new Cron(pattern, options));
    known.set(key, crons);
  }
  return crons;
}

const known = new Map<string, readonly Cron[]>();

function patternsOf({ every, on, at = '00:00' }: Recurrence): readonly string[] {
  const [hours = '0', minutes = '0'] = at.split(':');
  const time = `${Number(minutes)} ${Number(hours)}`;
  if (every === 'hour') return ['0 * * * *'];
  if (every === 'day') return [`${time} * * *`];
  if (every === 'week') return [`${time} * * ${numberOf((on ?? 'sunday') as Weekday)}`];
  if (on === 'last' || on === 31) return [`${time} L * *`];
  if (on === 29) return [`${time} 29 1,3-12 *`, `${time} L 2 *`];
  if (on === 30) return [`${time} 30 1,3-12 *`, `${time} L 2 *`];
  if (typeof on === 'number') return [`${time} ${on} * *`];
  const [place, day] = (on ?? 'first').split(' ') as [Place, Weekday | undefined];
  return day === undefined ? [`${time} 1 * *`] : [`${time} * * ${numberOf(day)}${NTH[place]}`];
}

/** Cron's number of a weekday: sunday is 0. */
function numberOf(day: Weekday): number {
  return (weekdays.indexOf(day) + 1) % 7;
}
