import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobsOf, planJob } from '../../../../src/core/schedule/job.ts';
import type { JobState } from '../../../../src/core/schedule/state.ts';
import { troublesOf } from '../../../../src/core/schedule/troubles.ts';

const SET = { name: 'crm', schedule: [{ kind: 'incremental', every: 'day', at: '12:00' }] } as const;
const VERIFIED = { name: 'crm', schedule: [...SET.schedule, { kind: 'verify', every: 'month' }] } as const;
const NOW = new Date('2026-03-10T13:00:00Z');

function backupAt(createdAt: string, safety = false) {
  return { createdAt, safety };
}

function stateOf(set: Parameters<typeof jobsOf>[0], at: number, more: Partial<JobState>): JobState {
  return { set: set.name, key: jobsOf(set)[at]!.key, ...more };
}

describe('troubles of a schedule', () => {
  it('are none when all is well', () => {
    const states = [stateOf(SET, 0, { lastRun: '2026-03-10T12:00:00.000Z', lastStatus: 'done' })];
    expect(troublesOf(SET, states, [backupAt('2026-03-10T12:00:00.000Z')], NOW)).toEqual([]);
    expect(troublesOf({ name: 'crm' }, [], [backupAt('2001-01-01T00:00:00.000Z')], NOW)).toEqual([]);
    expect(troublesOf(SET, [], [], NOW)).toEqual([]);
  });

  it('tell a backup that is overdue by twice its interval, not before, and a safety backup is none', () => {
    const last = backupAt('2026-03-08T14:00:00.000Z');
    expect(troublesOf(SET, [], [last], NOW)).toEqual([]);
    const later = new Date('2026-03-10T14:30:00Z');
    const overdue = {
      code: 'overdue',
      at: '2026-03-10T14:00:00.000Z',
      message: undefined,
      lastBackup: last.createdAt,
    };
    expect(troublesOf(SET, [], [last], later)).toEqual([overdue]);
    expect(troublesOf(SET, [], [backupAt('2026-03-10T14:00:00.000Z', true), last], later)).toEqual([overdue]);
  });

  it('are none while hourly work waits for the off-peak hours', () => {
    const hourly = {
      name: 'crm',
      schedule: [{ kind: 'incremental', every: 'hour' }],
      offPeak: { from: '20:00', to: '07:00' },
    } as const;
    const last = backupAt(new Date(2026, 2, 10, 6, 0, 5).toISOString());
    for (const hour of [9, 12, 20]) {
      expect(troublesOf(hourly, [], [last], new Date(2026, 2, 10, hour))).toEqual([]);
    }
    expect(troublesOf(hourly, [], [last], new Date(2026, 2, 10, 21, 1))).toMatchObject([{ code: 'overdue' }]);
  });

  it('are none where all is done as planned, and come in the end where nothing is', () => {
    const HOUR = 3_600_000;
    const intervals = { hour: HOUR, day: 25 * HOUR, week: 8 * 24 * HOUR };
    const time = fc
      .integer({ min: 0, max: 95 })
      .map((quarter) => new Date(quarter * 900_000).toISOString().slice(11, 16));
    const window = fc.record({ from: time, to: time });
    const entry = fc.record({
      kind: fc.constantFrom('full', 'incremental'),
      every: fc.constantFrom('hour', 'day', 'week'),
      at: time,
      anyTime: fc.boolean(),
    });
    const sets = fc.record({
      name: fc.constant('crm'),
      schedule: fc.array(entry, { minLength: 1, maxLength: 2 }),
      offPeak: fc.array(window, { maxLength: 2 }),
    });
    const planned = fc.property(sets, (set) => {
      const works = jobsOf(set).map((job) => ({ job, dealtWithUntil: undefined as Date | undefined }));
      const records: ReturnType<typeof backupAt>[] = [];
      const end = NOW.getTime() + 8 * 24 * HOUR;
      let now = NOW;
      for (;;) {
        const from = now;
        const plans = works.map(({ job, dealtWithUntil }) =>
          planJob(job, { dealtWithUntil }, set.offPeak, from),
        );
        now = new Date(Math.min(...plans.map(({ nextRun }) => nextRun.getTime())));
        if (now.getTime() > end) break;
        expect(troublesOf(set, [], records, now)).toEqual([]);
        for (const work of works) {
          if (planJob(work.job, work, set.offPeak, now).isDue) work.dealtWithUntil = now;
        }
        records.unshift(backupAt(new Date(now.getTime() + 5_000).toISOString()));
      }
      const interval = Math.min(...set.schedule.map(({ every }) => intervals[every]));
      const late = new Date(Date.parse(records[0]!.createdAt) + 2 * interval + 25 * HOUR);
      expect(troublesOf(set, [], records, late)).toMatchObject([{ code: 'overdue' }]);
    });
    fc.assert(planned, { numRuns: 30 });
  });

  it('are not hidden for years by a backup that was taken while the clock was wrong', () => {
    const wrong = backupAt('2031-01-01T00:00:00.000Z');
    const last = backupAt('2026-03-01T12:00:00.000Z');
    expect(troublesOf(SET, [], [wrong, last], NOW)).toMatchObject([{ code: 'overdue' }]);
    const failed = { lastRun: '2026-03-10T12:00:00.000Z', lastStatus: 'failed', message: 'Full.' } as const;
    const states = [stateOf(SET, 0, failed)];
    expect(troublesOf(SET, states, [wrong, last], NOW).map(({ code }) => code)).toEqual([
      'failed',
      'overdue',
    ]);
  });

  it('tell a failed backup until one was taken since, and damage before anything else', () => {
    const failed = {
      lastRun: '2026-03-10T12:00:00.000Z',
      lastStatus: 'failed',
      message: 'The disk is full.',
    } as const;
    const states = [stateOf(SET, 0, failed)];
    const before = backupAt('2026-03-09T12:00:00.000Z');
    expect(troublesOf(SET, states, [before], NOW)).toMatchObject([
      { code: 'failed', at: failed.lastRun, message: 'The disk is full.' },
    ]);
    // Tried again and again, it is one trouble: whoever was told is not told each time.
    const since = { ...failed, failingSince: '2026-03-10T10:00:00.000Z' };
    expect(troublesOf(SET, [stateOf(SET, 0, since)], [before], NOW)).toMatchObject([
      { at: since.failingSince },
    ]);
    expect(troublesOf(SET, states, [backupAt('2026-03-10T12:30:00.000Z')], NOW)).toEqual([]);
    // The backup whose command failed does not make up for that.
    const hooked = { ...since, lastStatus: 'hook-failed', lastEnd: '2026-03-10T12:10:00.000Z' } as const;
    const taken = backupAt('2026-03-10T12:00:01.000Z');
    expect(troublesOf(SET, [stateOf(SET, 0, hooked)], [taken], NOW)).toMatchObject([
      { code: 'hook-failed', at: since.failingSince, message: 'The disk is full.' },
    ]);
    expect(troublesOf(SET, [stateOf(SET, 0, hooked)], [backupAt('2026-03-10T12:30:00.000Z')], NOW)).toEqual(
      [],
    );
    const damage = { lastRun: '2026-03-01T00:00:00.000Z', lastStatus: 'damaged', message: 'Found.' } as const;
    const both = [...states, stateOf(VERIFIED, 1, damage)];
    expect(troublesOf(VERIFIED, both, [before], NOW).map(({ code }) => code)).toEqual(['damaged', 'failed']);
  });
});
