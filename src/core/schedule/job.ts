import type { BackupSet, ScheduleEntry } from '../set/definition.ts';
import { type OffPeak, nextOffPeak } from './off-peak.ts';
import { latestOccurrence, nextOccurrence, type Recurrence } from './recurrence.ts';

/** One line of a set's schedule. */
export interface Job {
  readonly set: string;
  readonly kind: ScheduleEntry['kind'];
  readonly recurrence: Recurrence;
  /** Whether off-peak hours do not matter. */
  readonly anyTime: boolean;
  /** Tells it from the other jobs of its set, and stays the same when lines are moved. */
  readonly key: string;
}

/** When a job is to be done. */
export interface JobPlan {
  /** Whether it is to be done now. */
  readonly isDue: boolean;
  /** When it is done next; now when it is due. */
  readonly nextRun: Date;
}

/** What a job has behind it. */
export interface JobPast {
  /** Occurrences up to this moment are dealt with; undefined when there never was a backup: then one is due. */
  readonly dealtWithUntil: Date | undefined;
  /** After a failure: not before this. */
  readonly retryAt?: Date | undefined;
}

/** A retry is never farther away than this, so a time that is was written by a clock that went wrong. */
export const LONGEST_RETRY_MS = 6 * 60 * 60_000;

/** The jobs of a set, in the order of its file. */
export function jobsOf({ name, schedule = [] }: Pick<BackupSet, 'name' | 'schedule'>): Job[] {
  return schedule.map(({ kind, every, on, at, anyTime = false }) => {
    const recurrence: Recurrence = {
      every,
      ...(on === undefined ? {} : { on }),
      ...(at === undefined ? {} : { at }),
    };
    const key = [kind, every, on, at].filter((part) => part !== undefined).join(' ');
    return { set: name, kind, recurrence, anyTime, key };
  });
}

/**
 * When a job is done next. However many of its times have passed, it is done once for all of them; outside the off-peak
 * hours it waits until they begin. Where the clock was set back behind what is dealt with, it counts from now.
 */
export function planJob(
  { recurrence, anyTime }: Job,
  { dealtWithUntil, retryAt }: JobPast,
  offPeak: OffPeak,
  now: Date,
  zone?: string,
): JobPlan {
  const start = (from: Date): Date => (anyTime ? from : nextOffPeak(offPeak, from, zone));
  const missed = dealtWithUntil === undefined ? now : latestOccurrence(recurrence, now, zone);
  if (dealtWithUntil !== undefined && missed <= dealtWithUntil) {
    return { isDue: false, nextRun: start(nextOccurrence(recurrence, now, zone)) };
  }
  const mustWait =
    retryAt !== undefined && retryAt > now && retryAt.getTime() - now.getTime() <= LONGEST_RETRY_MS;
  const nextRun = start(mustWait ? retryAt : now);
  return { isDue: nextRun <= now, nextRun };
}
