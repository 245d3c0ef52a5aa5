import type { JSONPath } from 'jsonc-parser';
import type { Conflict } from './conflict.ts';
import { weekdays } from './days.ts';
import { isObject } from './plain-value.ts';

const DAY_MINUTES = 24 * 60;

/** What is wrong between the values of one schedule. */
export function conflictsOfSchedule(entry: unknown, path: JSONPath): Conflict[] {
  if (!isObject(entry)) return [];
  const { every, on, at } = entry;
  const conflicts: Conflict[] = [];
  const isWeekday = typeof on === 'string' && (weekdays as readonly string[]).includes(on);
  if (on !== undefined && (every === 'hour' || every === 'day')) {
    conflicts.push({ path: [...path, 'on'], message: `“on” means nothing for every ${every}; leave it out` });
  }
  if (on !== undefined && !isWeekday && every === 'week') {
    conflicts.push({ path: [...path, 'on'], message: '“on” must be a weekday for every week, as “monday”' });
  }
  if (isWeekday && every === 'month') {
    conflicts.push({
      path: [...path, 'on'],
      message: `“on” must say which ${on} of the month, as “first ${on}”, or be a day from 1 to 31`,
    });
  }
  if (at !== undefined && every === 'hour') {
    conflicts.push({ path: [...path, 'at'], message: '“at” means nothing for every hour; leave it out' });
  }
  return conflicts;
}

/** Schedules that stand there twice. */
export function conflictsOfRepeats(schedule: readonly unknown[], path: JSONPath): Conflict[] {
  const spelled = schedule.map((entry) => {
    if (!isObject(entry)) return undefined;
    const { kind = 'auto', every, on, at = '00:00' } = entry;
    return JSON.stringify([kind, every, on, at]);
  });
  return spelled.flatMap((text, index) =>
    text !== undefined && spelled.indexOf(text) < index
      ? [{ path: [...path, index], message: 'this schedule stands here twice' }]
      : [],
  );
}

/** What is wrong with off-peak hours: windows that are empty or overlap. */
export function conflictsOfOffPeak(offPeak: unknown, path: JSONPath): Conflict[] {
  if (!Array.isArray(offPeak)) return conflictsOfWindow(offPeak, path);
  const conflicts = offPeak.flatMap((window, index) => conflictsOfWindow(window, [...path, index]));
  offPeak.forEach((window, index) => {
    const other = offPeak.slice(0, index).findIndex((before) => overlap(before, window));
    if (other < 0) return;
    const message = `this window overlaps with item ${other + 1} of “offPeak”; make one of them`;
    conflicts.push({ path: [...path, index], message });
  });
  return conflicts;
}

function conflictsOfWindow(window: unknown, path: JSONPath): Conflict[] {
  if (!isObject(window) || window['from'] === undefined || window['from'] !== window['to']) return [];
  return [{ path: [...path, 'to'], message: '“to” must differ from “from”' }];
}

function overlap(a: unknown, b: unknown): boolean {
  const [one, two] = [spansOf(a), spansOf(b)];
  return one.some(([from, to]) => two.some(([start, end]) => from < end && start < to));
}

/** The minutes of the day that a window covers, in one piece or two. */
function spansOf(window: unknown): (readonly [from: number, to: number])[] {
  if (!isObject(window)) return [];
  const [from, to] = [minutesOf(window['from']), minutesOf(window['to'])];
  if (from === undefined || to === undefined || from === to) return [];
  return from < to
    ? [[from, to]]
    : [
        [from, DAY_MINUTES],
        [0, to],
      ];
}

function minutesOf(time: unknown): number | undefined {
  const [, hours, minutes] = typeof time === 'string' ? (/^(\d\d):(\d\d)$/.exec(time) ?? []) : [];
  return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes);
}
