import type { BackupSet } from '../set/definition.ts';
import type { BackupRecord } from '../vault/record.ts';
import { jobsOf } from './job.ts';
import { nextOffPeak } from './off-peak.ts';
import { latestOccurrence, nextOccurrence } from './recurrence.ts';
import type { JobState } from './state.ts';

/** Something about a set's schedule that somebody has to know; silence means that all is well. */
export interface Trouble {
  /**
   * The worst first: damage was found, work failed, the command after a backup failed, no backup for twice the interval and
   * the wait for off-peak hours.
   */
  readonly code: 'damaged' | 'failed' | 'hook-failed' | 'overdue';
  /** When it came about, ISO 8601 UTC; the same trouble keeps its moment. */
  readonly at: string;
  /** What the run said; undefined for `overdue`. */
  readonly message: string | undefined;
  /** For `overdue`: when the last backup was taken. */
  readonly lastBackup: string | undefined;
}

/** Two clocks may differ by so much. A backup dated later was taken while the clock was wrong, and says nothing of today. */
const CLOCK_TOLERANCE_MS = 3_600_000;

const ORDER: readonly Trouble['code'][] = ['damaged', 'failed', 'hook-failed', 'overdue'];

/**
 * The troubles of a set, the worst first. Pure.
 * @param states what is remembered of its jobs
 * @param records its backups, newest first
 */
export function troublesOf(
  set: Pick<BackupSet, 'name' | 'schedule' | 'offPeak'>,
  states: readonly JobState[],
  records: readonly Pick<BackupRecord, 'createdAt' | 'safety'>[],
  now: Date,
): Trouble[] {
  const jobs = jobsOf(set);
  const latestMs = now.getTime() + CLOCK_TOLERANCE_MS;
  const latest = records.find(({ safety, createdAt }) => !safety && Date.parse(createdAt) <= latestMs);
  const troubles: Trouble[] = [];
  for (const job of jobs) {
    const state = states.find(({ set: name, key }) => name === set.name && key === job.key);
    const { lastRun, lastEnd = lastRun, lastStatus, failingSince, message } = state ?? {};
    if (lastRun === undefined || lastEnd === undefined || !isTrouble(lastStatus)) continue;
    // A backup by hand since then has made up for one that failed.
    const isMadeUp =
      lastStatus !== 'damaged' && isBackup(job.kind) && latest !== undefined && latest.createdAt > lastEnd;
    // However often it is tried again, it is one trouble.
    const at = (lastStatus === 'damaged' ? undefined : failingSince) ?? lastRun;
    if (!isMadeUp) troubles.push({ code: lastStatus, at, message, lastBackup: undefined });
  }
  const deadline = latest && deadlineOf(jobs, set.offPeak, new Date(latest.createdAt));
  if (deadline !== undefined && deadline < now) {
    troubles.push({
      code: 'overdue',
      at: deadline.toISOString(),
      message: undefined,
      lastBackup: latest!.createdAt,
    });
  }
  return troubles.sort((a, b) => ORDER.indexOf(a.code) - ORDER.indexOf(b.code));
}

function isTrouble(status: JobState['lastStatus']): status is 'damaged' | 'failed' | 'hook-failed' {
  return status === 'damaged' || status === 'failed' || status === 'hook-failed';
}

/**
 * When twice the interval of the most frequent backup has passed since the last one, and one since it was to be taken, which
 * may have waited for the off-peak hours; undefined without a schedule.
 */
function deadlineOf(
  jobs: ReturnType<typeof jobsOf>,
  offPeak: BackupSet['offPeak'],
  last: Date,
): Date | undefined {
  const deadlines = jobs
    .filter(({ kind }) => isBackup(kind))
    .map(({ recurrence, anyTime }) => {
      const next = nextOccurrence(recurrence, last);
      const intervalMs = next.getTime() - latestOccurrence(recurrence, last).getTime();
      const start = anyTime ? next : nextOffPeak(offPeak, next);
      return Math.max(last.getTime() + intervalMs, start.getTime()) + intervalMs;
    });
  return deadlines.length === 0 ? undefined : new Date(Math.min(...deadlines));
}

function isBackup(kind: ReturnType<typeof jobsOf>[number]['kind']): boolean {
  return kind !== 'verify' && kind !== 'drill';
}
