import type { CalendarDay } from '../../webview/dashboard/messages.ts';

/** A backup as far as the calendar shows it. */
export interface DatedBackup {
  readonly createdAt: string;
  readonly kind: 'full' | 'incremental' | 'differential';
  readonly status: 'complete' | 'partial';
}

const WEEKS_BACK = 4;
const WEEKS_AHEAD = 1;

/**
 * The days of this week, of four before and of the one after it, with what was backed up and what is planned.
 * @param planned moments, ISO 8601
 */
export function calendarDays(
  backups: readonly DatedBackup[],
  planned: readonly string[],
  now: Date,
): CalendarDay[] {
  const taken = new Map<
    string,
    { full: number; differential: number; incremental: number; partial: number }
  >();
  for (const { createdAt, kind, status } of backups) {
    const key = new Date(createdAt).toDateString();
    const day = taken.get(key) ?? { full: 0, differential: 0, incremental: 0, partial: 0 };
    day[kind]++;
    if (status === 'partial') day.partial++;
    taken.set(key, day);
  }
  const expected = new Map<string, number>();
  for (const at of planned) {
    const key = new Date(at).toDateString();
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  const sinceMonday = (now.getDay() + 6) % 7;
  const count = (WEEKS_BACK + 1 + WEEKS_AHEAD) * 7;
  return Array.from({ length: count }, (_, at) => {
    const offset = at - sinceMonday - WEEKS_BACK * 7;
    const noon = new Date(now.getFullYear(), now.getMonth(), now.getDate() + offset, 12);
    const key = noon.toDateString();
    const nothing = { full: 0, differential: 0, incremental: 0, partial: 0 };
    return {
      at: noon.getTime(),
      isToday: offset === 0,
      ...(taken.get(key) ?? nothing),
      planned: expected.get(key) ?? 0,
    };
  });
}
