/** The days that a schedule can name. */
export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof weekdays)[number];

const places = ['first', 'second', 'third', 'fourth', 'last'] as const;
export type Place = (typeof places)[number];

/** A day of a month by its place: its first or last one, or of its mondays, tuesdays … */
export type DayOfMonth = 'first' | 'last' | `${Place} ${Weekday}`;
export const daysOfMonth: readonly DayOfMonth[] = [
  'first',
  'last',
  ...places.flatMap((place) => weekdays.map((day) => `${place} ${day}` as const)),
];
