import { describe, expect, it } from 'vitest';
import { applyRetention, type RetainedBackup } from '../../../../src/core/retention/retain.ts';
import { rulesOf } from '../../../../src/core/retention/rules.ts';

const NOW = new Date('2026-03-10T12:00:00Z');

let number = 0;
function backup(createdAt: string, more: Partial<RetainedBackup> = {}): RetainedBackup {
  const id = String(number++).padStart(64, '0');
  return { id, createdAt, pinned: false, safety: false, status: 'complete', ...more };
}

/** The reasons by the day of each backup that is kept. */
function reasonsOf(backups: readonly RetainedBackup[], written: Parameters<typeof rulesOf>[0]): object {
  const { kept } = applyRetention(backups, rulesOf(written), NOW);
  return Object.fromEntries(
    kept.map(({ backup: { createdAt }, reasons }) => [createdAt.slice(0, 10), reasons]),
  );
}

describe('what no calendar rule decides', () => {
  it('keeps everything without rules', () => {
    expect(reasonsOf([backup('2001-01-01T00:00:00Z')], undefined)).toEqual({ '2001-01-01': ['no-rules'] });
  });

  it('keeps pinned backups for ever', () => {
    const backups = [backup('2001-01-01T00:00:00Z', { pinned: true }), backup('2026-03-09T00:00:00Z')];
    expect(reasonsOf(backups, { last: 1 })).toEqual({ '2001-01-01': ['pinned'], '2026-03-09': ['last'] });
  });

  it('keeps safety backups for their days, and lets none take the place of another', () => {
    const backups = [
      backup('2026-03-10T00:00:00Z'),
      backup('2026-03-09T00:00:00Z', { safety: true }),
      backup('2026-03-08T00:00:00Z'),
      backup('2026-02-28T00:00:00Z', { safety: true }),
    ];
    expect(reasonsOf(backups, { last: 2, safetyDays: 7 })).toEqual({
      '2026-03-10': ['last'],
      '2026-03-09': ['safety 7d'],
      '2026-03-08': ['last'],
    });
  });

  it('keeps safety backups for thirty days when nothing is said, counted from the latest backup', () => {
    const backups = [
      backup('2026-01-31T00:00:00Z'),
      backup('2026-01-02T00:00:00Z', { safety: true }),
      backup('2025-12-30T00:00:00Z', { safety: true }),
    ];
    expect(reasonsOf(backups, { last: 1 })).toEqual({
      '2026-01-31': ['last'],
      '2026-01-02': ['safety 30d'],
    });
  });

  it.each([100_030_000, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE])(
    'keeps all safety backups where the days lead out of the calendar: %d',
    (safetyDays) => {
      const backups = [
        backup('2026-03-10T00:00:00Z'),
        ...['2026-03-09', '1999-01-01'].map((day) => backup(`${day}T00:00:00Z`, { safety: true })),
      ];
      const all = 10 ** 9;
      for (const rules of [{ last: 1 }, { last: Number.MAX_VALUE }, { last: 1, daily: all, yearly: all }]) {
        expect(Object.keys(reasonsOf(backups, { ...rules, safetyDays }))).toHaveLength(3);
      }
    },
  );

  it('keeps what a wrong clock has dated later than now, and lets it take no other’s place', () => {
    const backups = [
      backup('2031-01-01T00:00:00Z'),
      backup('2026-03-09T00:00:00Z'),
      backup('2026-03-08T00:00:00Z'),
    ];
    expect(reasonsOf(backups, { last: 1, within: '1h' })).toEqual({
      '2031-01-01': ['in-the-future'],
      '2026-03-09': ['last', 'within 1h'],
    });
  });

  it('counts no backup as complete in which damage was found, unless there is no other', () => {
    const damagedAt = '2026-03-09T12:00:00Z';
    const damaged = backup('2026-03-09T00:00:00Z', { damagedAt });
    const whole = backup('2026-03-08T00:00:00Z');
    expect(reasonsOf([damaged, whole], { last: 1 })).toEqual({
      '2026-03-09': ['last'],
      '2026-03-08': ['latest-complete'],
    });
    expect(reasonsOf([damaged, { ...whole, damagedAt }], { last: 1 })).toEqual({ '2026-03-09': ['last'] });
  });

  it('keeps the latest complete backup when all others that stay lack something', () => {
    const backups = [
      backup('2026-03-09T00:00:00Z', { status: 'partial' }),
      backup('2026-03-08T00:00:00Z', { lostPaths: 2 }),
      backup('2026-03-07T00:00:00Z'),
      backup('2026-03-06T00:00:00Z'),
    ];
    expect(reasonsOf(backups, { last: 2 })).toEqual({
      '2026-03-09': ['last'],
      '2026-03-08': ['last'],
      '2026-03-07': ['latest-complete'],
    });
  });
});
