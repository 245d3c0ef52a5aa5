import { before, spanText } from '../set/calendar-span.ts';
import type { BackupRecord } from '../vault/record.ts';
import { type Period, periodOf, PERIODS } from './periods.ts';
import type { RetentionRules } from './rules.ts';

/** What the rules look at in a backup. */
export type RetainedBackup = Pick<
  BackupRecord,
  'id' | 'createdAt' | 'pinned' | 'safety' | 'status' | 'damagedAt' | 'lostPaths'
>;

/**
 * Why a backup is kept. `in-the-future`: it is dated later than now, so a clock was wrong, and no rule counts it.
 * `latest-complete`: all others that would be kept lack something. `no-rules`: the set has no retention.
 */
export type KeepReason =
  | 'pinned'
  | 'last'
  | `within ${string}`
  | Period
  | `safety ${number}d`
  | 'in-the-future'
  | 'latest-complete'
  | 'no-rules';

/** A backup that stays, and why; never without a reason. */
export interface KeptBackup<B> {
  readonly backup: B;
  readonly reasons: readonly KeepReason[];
}

/** What becomes of a set's backups, newest first. */
export interface RetentionResult<B> {
  readonly kept: readonly KeptBackup<B>[];
  readonly removed: readonly B[];
}

/**
 * What the rules say of the backups of one set. Pure; calendars are those of the process's time zone. Every backup
 * restores alone, so none is kept for the sake of another that is told against it.
 * @param rules Undefined keeps all.
 */
export function applyRetention<B extends RetainedBackup>(
  backups: readonly B[],
  rules: RetentionRules | undefined,
  now: Date,
): RetentionResult<B> {
  const inOrder = backups.toSorted(newestFirst);
  const reasons = new Map<B, KeepReason[]>(inOrder.map((backup) => [backup, []]));
  const keep = (backup: B, reason: KeepReason): void => void reasons.get(backup)!.push(reason);
  if (rules === undefined) {
    for (const backup of inOrder) keep(backup, 'no-rules');
  } else {
    const nowMs = now.getTime();
    const isFuture = ({ createdAt }: B): boolean => Date.parse(createdAt) > nowMs;
    for (const backup of inOrder) {
      if (backup.pinned) keep(backup, 'pinned');
      if (isFuture(backup)) keep(backup, 'in-the-future');
    }
    const past = inOrder.filter((backup) => !isFuture(backup));
    // Measured from the latest backup: a computer that was off for a month has not used its month up.
    const latestMs = past[0] === undefined ? nowMs : Date.parse(past[0].createdAt);
    keepSafety(past, rules, latestMs, keep);
    const ordinary = past.filter(({ safety }) => !safety);
    keepByRules(ordinary, rules, keep);
    keepOneComplete(ordinary, reasons);
  }
  const kept: KeptBackup<B>[] = [];
  const removed: B[] = [];
  for (const [backup, why] of reasons) {
    if (why.length > 0) kept.push({ backup, reasons: why });
    else removed.push(backup);
  }
  return { kept, removed };
}

type Keep<B> = (backup: B, reason: KeepReason) => void;

function keepSafety<B extends RetainedBackup>(
  past: readonly B[],
  { safetyDays }: RetentionRules,
  latestMs: number,
  keep: Keep<B>,
): void {
  const fromMs = before(latestMs, { years: 0, months: 0, days: safetyDays, hours: 0 });
  for (const backup of past) {
    if (backup.safety && Date.parse(backup.createdAt) > fromMs) keep(backup, `safety ${safetyDays}d`);
  }
}

function keepByRules<B extends RetainedBackup>(
  ordinary: readonly B[],
  rules: RetentionRules,
  keep: Keep<B>,
): void {
  for (const backup of ordinary.slice(0, rules.last ?? 0)) keep(backup, 'last');
  const [latest] = ordinary;
  if (latest === undefined) return;
  if (rules.within !== undefined) {
    const fromMs = before(Date.parse(latest.createdAt), rules.within);
    const reason = `within ${spanText(rules.within)}` as const;
    for (const backup of ordinary) if (Date.parse(backup.createdAt) > fromMs) keep(backup, reason);
  }
  for (const period of PERIODS) {
    let left = rules[period] ?? 0;
    let current: number | undefined;
    for (const backup of ordinary) {
      if (left === 0) break;
      const of = periodOf[period](new Date(backup.createdAt));
      if (of === current) continue;
      current = of;
      left--;
      keep(backup, period);
    }
  }
}

/** Of what is kept one is complete, if any is: incomplete ones must not push the last good one out. */
function keepOneComplete<B extends RetainedBackup>(
  ordinary: readonly B[],
  reasons: ReadonlyMap<B, KeepReason[]>,
): void {
  const complete = ordinary.filter(({ status, lostPaths = 0 }) => status === 'complete' && lostPaths === 0);
  const whole = complete.filter(({ damagedAt }) => damagedAt === undefined);
  const good = whole.length > 0 ? whole : complete;
  const [latest] = good;
  if (latest === undefined || good.some((backup) => reasons.get(backup)!.length > 0)) return;
  reasons.get(latest)!.push('latest-complete');
}

function newestFirst(a: RetainedBackup, b: RetainedBackup): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
