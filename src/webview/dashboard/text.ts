import type { Dashboard, WordKey } from './messages.ts';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
const AGES: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** The page's words, and how it writes numbers. */
export class Texts {
  readonly #dashboard: Dashboard;

  constructor(dashboard: Dashboard) {
    this.#dashboard = dashboard;
  }

  word(key: WordKey, ...values: readonly string[]): string {
    return this.#dashboard.words[key].replace(/\{(\d)\}/g, (_, at: string) => values[Number(at)] ?? '');
  }

  number(value: number): string {
    return value.toLocaleString(this.#dashboard.locale);
  }

  bytes(bytes: number): string {
    let value = bytes;
    let unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return value.toLocaleString(this.#dashboard.locale, {
      style: 'unit',
      unit: UNITS[unit]!,
      unitDisplay: unit === 0 ? 'long' : 'short',
      maximumFractionDigits: unit > 0 && value < 10 ? 1 : 0,
    });
  }

  times(ratio: number | null): string {
    if (ratio === null) return '–';
    return `${ratio.toLocaleString(this.#dashboard.locale, { maximumFractionDigits: ratio < 100 ? 1 : 0 })}×`;
  }

  percent(share: number): string {
    return share.toLocaleString(this.#dashboard.locale, { style: 'percent', maximumFractionDigits: 1 });
  }

  duration(ms: number): string {
    const unit = (value: number, name: string, digits = 0): string =>
      value.toLocaleString(this.#dashboard.locale, {
        style: 'unit',
        unit: name,
        unitDisplay: 'short',
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      });
    if (ms < 999.5) return unit(Math.round(ms), 'millisecond');
    if (ms < 59_950) return unit(ms / 1000, 'second', 1);
    const seconds = Math.round(ms / 1000);
    if (seconds < 3600) return `${unit(Math.floor(seconds / 60), 'minute')} ${unit(seconds % 60, 'second')}`;
    return `${unit(Math.floor(seconds / 3600), 'hour')} ${unit(Math.floor((seconds % 3600) / 60), 'minute')}`;
  }

  /** How long ago something was: as many whole days, hours or minutes as have passed. */
  age(at: number): string {
    const format = new Intl.RelativeTimeFormat(this.#dashboard.locale, { numeric: 'auto' });
    const ms = Math.max(0, Date.now() - at);
    const found = AGES.find(([, each]) => ms >= each);
    return found === undefined
      ? format.format(0, 'second')
      : format.format(-Math.floor(ms / found[1]), found[0]);
  }

  day(at: number): string {
    return this.#date(at, { dateStyle: 'medium' });
  }

  moment(at: number): string {
    return this.#date(at, { dateStyle: 'medium', timeStyle: 'short' });
  }

  /** A moment on an axis; with its time where days do not tell moments apart. */
  tick(at: number, hasTime: boolean): string {
    if (!hasTime) return this.day(at);
    return this.#date(at, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  }

  weekday(at: number): string {
    return this.#date(at, { weekday: 'short' });
  }

  dayOfMonth(at: number): string {
    const { timeZone } = this.#dashboard;
    return new Date(at).toLocaleDateString('en', { day: 'numeric', timeZone });
  }

  #date(at: number, options: Intl.DateTimeFormatOptions): string {
    const { locale, timeZone } = this.#dashboard;
    return new Date(at).toLocaleString(locale, { ...options, timeZone });
  }
}
