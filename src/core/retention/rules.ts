import { type CalendarSpan, parseSpan } from '../set/calendar-span.ts';

/** Which backups of a set are kept. What is left out keeps none; see docs/retention.md. */
export interface RetentionRules {
  /** The latest so many. */
  readonly last?: number | undefined;
  /** All of so long before the latest backup. */
  readonly within?: CalendarSpan | undefined;
  /** The last of the hour, of so many hours that have one; the same for the others. */
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** Safety backups are no part of the other rules: they are kept for so many days before the latest backup. */
  readonly safetyDays: number;
}

/** For how many days safety backups are kept when the rules do not say. */
const SAFETY_DAYS = 30;

/** Rules as the set file writes them. */
export type WrittenRetention = Partial<Omit<RetentionRules, 'within'>> & {
  readonly within?: string | undefined;
};

/** The rules of a set; undefined when it has none. */
export function rulesOf(written: WrittenRetention | undefined): RetentionRules | undefined {
  if (written === undefined) return undefined;
  const { within, safetyDays = SAFETY_DAYS, ...counts } = written;
  return { ...counts, within: within === undefined ? undefined : parseSpan(within), safetyDays };
}
