import { formatBytes, formatDuration, formatNumber, formatRatio } from '../../vscode/format.ts';
import type { Dashboard, WordKey } from './messages.ts';

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
    return formatNumber(value, this.#dashboard.locale);
  }

  bytes(bytes: number): string {
    return formatBytes(bytes, this.#dashboard.locale);
  }

  times(ratio: number | null): string {
    return ratio === null ? '–' : formatRatio(ratio, this.#dashboard.locale);
  }

  percent(share: number): string {
    return share.toLocaleString(this.#dashboard.locale, { style: 'percent', maximumFractionDigits: 1 });
  }

  duration(ms: number): string {
    return formatDuration(ms, this.#dashboard.locale);
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
