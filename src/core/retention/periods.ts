/** The periods of which the last backup may be kept, from the shortest. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/** A number for the hour, day, week … of a moment, by the calendar of the process's time zone. */
export const periodOf: Readonly<Record<Period, (moment: Date) => number>> = {
  hourly: (moment) => dayOf(moment) * 100 + moment.getHours(),
  daily: dayOf,
  weekly: weekOf,
  monthly: (moment) => moment.getFullYear() * 100 + moment.getMonth(),
  yearly: (moment) => moment.getFullYear(),
};

function dayOf(moment: Date): number {
  return (moment.getFullYear() * 100 + moment.getMonth()) * 100 + moment.getDate();
}

/** Year and number of the week by ISO 8601: weeks begin on Monday and belong to the year of their Thursday. */
function weekOf(moment: Date): number {
  // Counted in UTC, where every day has 24 hours.
  const day = Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const thursday = new Date(day + (4 - (moment.getDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1;
  return year * 100 + week;
}

const DAY_MS = 24 * 60 * 60 * 1000;
