import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { applyRetention, type RetainedBackup } from '../../../../src/core/retention/retain.ts';
import { rulesOf, type WrittenRetention } from '../../../../src/core/retention/rules.ts';
import {
  buildResticRepository,
  resticKeepsOldest,
  type ResticSnapshot,
} from '../../../build/restic-repository.ts';

const zoneBefore = process.env['TZ'];
afterEach(() => {
  if (zoneBefore === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneBefore;
});

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Histories as they come about: minutes, hours, days or months between one snapshot and the next. */
const histories: fc.Arbitrary<ResticSnapshot[]> = fc
  .record({
    startMs: fc.integer({ min: Date.UTC(2004, 0), max: Date.UTC(2016, 0) }),
    gapMinutes: fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 180 }),
        fc.integer({ min: 180, max: 3 * DAY_MINUTES }),
        fc.integer({ min: DAY_MINUTES, max: 60 * DAY_MINUTES }),
      ),
      { minLength: 1, maxLength: 90, size: 'max' },
    ),
    pinned: fc.array(fc.nat(89), { maxLength: 3 }),
  })
  .map(({ startMs, gapMinutes, pinned }) => {
    let atMs = startMs;
    return gapMinutes.map((gap, place) => {
      atMs += gap * MINUTE_MS;
      return { moment: new Date(atMs), pinned: pinned.includes(place) };
    });
  });

const count = fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined });
const span = fc
  .tuple(fc.nat(2), fc.nat(14), fc.nat(40), fc.nat(50))
  .map(([y, m, d, h]) => `${y}y${m}m${d}d${h}h`)
  .filter((text) => text !== '0y0m0d0h');

const retentions = fc
  .record({
    last: count,
    within: fc.option(span, { nil: undefined }),
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
  })
  // Without any rule restic refuses to work.
  .filter((rules) => Object.values(rules).some((rule) => rule !== undefined && rule !== 0));

function resticRules(retention: WrittenRetention): string[] {
  const rules = Object.entries(retention).filter(([, value]) => value !== undefined);
  return ['--keep-tag', 'pinned', ...rules.flatMap(([rule, value]) => [`--keep-${rule}`, String(value)])];
}

/** The word of ours for a reason of restic's: `daily snapshot`, `within 2d`, `has tags [pinned]`. */
function ourWord(reason: string): string {
  if (reason.startsWith('within')) return 'within';
  return reason.startsWith('has tags') ? 'pinned' : reason.replace(' snapshot', '');
}

function backupOf({ moment, pinned = false }: ResticSnapshot, place: number): RetainedBackup {
  const id = String(place).padStart(64, '0');
  return { id, createdAt: moment.toISOString(), pinned, safety: false, status: 'complete' };
}

describe.skipIf(spawnSync('restic', ['version']).status !== 0)('the same moments and rules', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'Asia/Kolkata'])(
    'are answered as restic answers them, reason by reason, in %s',
    async (zone) => {
      process.env['TZ'] = zone;
      await using restic = await buildResticRepository(zone);
      await fc.assert(
        fc.asyncProperty(histories, retentions, async (history, retention) => {
          const theirs = new Map(
            [...(await restic.forget(history, resticRules(retention)))].map(([place, reasons]) => [
              place,
              reasons.map(ourWord).toSorted(),
            ]),
          );
          const { kept } = applyRetention(history.map(backupOf), rulesOf(retention), new Date());
          const ours = new Map(
            kept.map(({ backup, reasons }) => [
              Number(backup.id),
              reasons.map((reason) => reason.replace(/ .*/, '')).toSorted(),
            ]),
          );
          if (resticKeepsOldest()) for (const each of [ours, theirs]) each.delete(0);
          expect(ours).toEqual(theirs);
        }),
        { numRuns: 6 },
      );
    },
  );
});
