import { daysBetween } from '../format.ts';

/** A stretch of time backups are shown under, with what it is called. */
export interface Period {
  /** `today`, `yesterday`, `week`, or a month as `2025-03`: stable, for a tree to remember what is open. */
  readonly key: string;
  readonly kind: 'today' | 'yesterday' | 'week' | 'month';
  /** A moment within it. */
  readonly at: Date;
}

/**
 * The period a moment falls in, seen from now: today, yesterday, the rest of the last seven days, or its month.
 * What is dated after now (a clock that was wrong) belongs to today.
 */
export function periodOf(at: Date, now: Date): Period {
  const days = daysBetween(at, now);
  if (days <= 0) return { key: 'today', kind: 'today', at };
  if (days === 1) return { key: 'yesterday', kind: 'yesterday', at };
  if (days < 7) return { key: 'week', kind: 'week', at };
  const month = String(at.getMonth() + 1).padStart(2, '0');
  return { key: `${at.getFullYear()}-${month}`, kind: 'month', at };
}

/** How long it is until the next day begins: a day has 23 to 25 hours. At least a second, for timers that come early. */
export function untilMidnightMs(now: Date): number {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  return Math.max(1_000, midnight.getTime() - now.getTime());
}

/** A period and what falls in it, in the order given. */
export interface PeriodGroup<T> {
  readonly period: Period;
  readonly items: readonly T[];
}

/** Groups things by period; periods come in the order of their first thing. */
export function groupByPeriod<T extends { readonly createdAt: string }>(
  items: readonly T[],
  now: Date,
): readonly PeriodGroup<T>[] {
  const groups = new Map<string, { readonly period: Period; readonly items: T[] }>();
  for (const item of items) {
    const period = periodOf(new Date(item.createdAt), now);
    const group = groups.get(period.key);
    if (group === undefined) groups.set(period.key, { period, items: [item] });
    else group.items.push(item);
  }
  return [...groups.values()];
}
