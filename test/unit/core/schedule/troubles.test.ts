import { describe, expect, it } from 'vitest';
import { jobsOf } from '../../../../src/core/schedule/job.ts';
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
    expect(troublesOf(SET, states, [backupAt('2026-03-10T12:30:00.000Z')], NOW)).toEqual([]);
    const damage = { lastRun: '2026-03-01T00:00:00.000Z', lastStatus: 'damaged', message: 'Found.' } as const;
    const both = [...states, stateOf(VERIFIED, 1, damage)];
    expect(troublesOf(VERIFIED, both, [before], NOW).map(({ code }) => code)).toEqual(['damaged', 'failed']);
  });
});
