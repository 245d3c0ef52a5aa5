import type { Dashboard, WordKey } from './messages.ts';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
const AGES: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
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
        maximumFractionDigits: digits,
      });
    if (ms < 1000) return unit(Math.round(ms), 'millisecond');
    if (ms < 60_000) return unit(ms / 1000, 'second', 1);
    const seconds = Math.round(ms / 1000);
    if (seconds < 3600) return `${unit(Math.floor(seconds / 60), 'minute')} ${unit(seconds % 60, 'second')}`;
    return `${unit(Math.floor(seconds / 3600), 'hour')} ${unit(Math.floor((seconds % 3600) / 60), 'minute')}`;
  }

  age(at: number): string {
    const format = new Intl.RelativeTimeFormat(this.#dashboard.locale, { numeric: 'auto' });
    const ms = at - Date.now();
    const [unit, size] = AGES.find(([, each]) => Math.abs(ms) >= each) ?? ['minute', 60_000];
    return format.format(Math.round(ms / size), unit);
  }

  day(at: number): string {
    return new Date(at).toLocaleDateString(this.#dashboard.locale, { dateStyle: 'medium' });
  }

  moment(at: number): string {
    return new Date(at).toLocaleString(this.#dashboard.locale, { dateStyle: 'medium', timeStyle: 'short' });
  }
}
