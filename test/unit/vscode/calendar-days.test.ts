import { expect, test } from 'vitest';
import { calendarDays, type DatedBackup } from '../../../src/vscode/dashboard/calendar-days.ts';

test('the calendar has whole weeks from Monday, each backup and each plan on its local day', () => {
  const now = new Date(2026, 2, 11, 9, 30);
  const at = (day: number, hour: number): string => new Date(2026, 2, day, hour).toISOString();
  const backups: DatedBackup[] = [
    { createdAt: at(11, 0), kind: 'full', status: 'complete' },
    { createdAt: at(10, 23), kind: 'incremental', status: 'partial' },
    { createdAt: at(10, 1), kind: 'incremental', status: 'complete' },
    { createdAt: at(1, 1), kind: 'differential', status: 'complete' },
  ];
  const days = calendarDays(backups, [at(12, 2), at(12, 14), at(30, 2)], now);
  expect(days.length).toBe(42);
  expect(days.every((day, index) => (new Date(day.at).getDay() + 6) % 7 === index % 7)).toBe(true);
  const of = (day: number) => days.find((each) => each.at === new Date(2026, 2, day, 12).getTime());
  expect(days.filter(({ isToday }) => isToday)).toEqual([of(11)]);
  expect(of(11)).toMatchObject({ full: 1, incremental: 0, partial: 0, planned: 0 });
  expect(of(10)).toMatchObject({ full: 0, incremental: 2, partial: 1 });
  expect(of(1)).toMatchObject({ differential: 1 });
  expect(of(12)).toMatchObject({ planned: 2, full: 0 });
  expect(of(30)).toBeUndefined();
});
