import { systemCode } from '../errors.ts';
import { type RecoveryRecord, recordRecovery } from '../metrics/recovery-record.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { RestorePlan } from './plan-restore.ts';

/** A restore that was carried out; the times are those of `performance.now()`. */
interface MeasuredRestore {
  readonly plan: RestorePlan;
  /** Of the databases that were restored. */
  readonly names: ReadonlySet<string>;
  readonly isWhole: boolean;
  readonly phases: RecoveryRecord['phases'];
  readonly startedAt: number;
  readonly plannedAt: number;
  /** When the safety backup was taken. */
  readonly safeAt: number;
}

/** Keeps how long it took; figures must not fail a restore that went well. */
export function measureRecovery(
  home: string,
  vaultId: string,
  record: BackupRecord,
  done: MeasuredRestore,
): void {
  const { plan, names, isWhole, startedAt, plannedAt, safeAt } = done;
  const { fetch, decode, write, load, verify } = done.phases;
  const databases = record.sources.filter(({ type, name }) => type === 'database' && names.has(name));
  const durationMs = Math.round(performance.now() - safeAt + plannedAt - startedAt);
  try {
    recordRecovery(home, vaultId, {
      version: 1,
      kind: 'restore',
      set: record.set,
      backup: record.id,
      at: new Date(Date.now() - Math.round(performance.now() - startedAt)).toISOString(),
      durationMs,
      phases: { fetch, decode, write, load, verify },
      bytes: plan.counts.bytes,
      databaseBytes: databases.reduce((sum, { bytes }) => sum + bytes, 0),
      files: plan.counts.create + plan.counts.replace,
      tables: databases.reduce((sum, { entries }) => sum + entries, 0),
      isWhole,
      isGood: true,
    });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
