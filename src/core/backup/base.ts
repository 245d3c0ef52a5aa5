import { latestOf } from '../latest.ts';
import { countProblems, type Problem } from '../problem.ts';
import { isWithin } from '../vault/order.ts';
import type { BackupKind, BackupRecord } from '../vault/record.ts';

/** Days after which `auto` takes a new full backup. */
export const FULL_EVERY_DAYS = 7;

const DAY_MS = 24 * 60 * 60 * 1000;

/** The kind a backup will have, and the backups it rests on. */
export interface KindChoice {
  readonly kind: BackupKind;
  /** Unchanged entries are taken from it; undefined for a full. */
  readonly base: BackupRecord | undefined;
  /** What its changes are counted against: the base, or for a full the backup before it. */
  readonly previous: BackupRecord | undefined;
}

/**
 * Decides the kind and the base of a set's next backup. Only backups with all files serve as base, and no safety backups:
 * what a backup is told against stays, and is how things stood. Databases are read anew each time, so it does not matter what
 * was wrong with theirs. Where there is none, every kind is a full.
 * @param records The set's backups, newest first.
 */
export function chooseKind(
  records: readonly BackupRecord[],
  wanted: BackupKind | 'auto',
  fullEveryDays: number,
  now: Date,
): KindChoice {
  const bases = records.filter((record) => hasAllFiles(record) && !record.safety);
  const latestFull = bases.find((record) => record.kind === 'full');
  const previous = latestOf(records);
  const full: KindChoice = { kind: 'full', base: undefined, previous };
  const kind = wanted === 'auto' ? autoKind(latestFull, fullEveryDays, now) : wanted;
  if (kind === 'full' || latestFull === undefined) return full;
  const base = kind === 'differential' ? latestFull : bases[0]!;
  return { kind, base, previous: base };
}

function hasAllFiles(record: BackupRecord): boolean {
  const isOfFiles = ({ incomplete, path }: Problem): boolean => incomplete && !isWithin(path, 'databases');
  return record.status === 'complete' || countProblems(record, isOfFiles) === 0;
}

function autoKind(latestFull: BackupRecord | undefined, fullEveryDays: number, now: Date): BackupKind {
  if (latestFull === undefined) return 'full';
  const ageMs = now.getTime() - Date.parse(latestFull.createdAt);
  return ageMs >= fullEveryDays * DAY_MS ? 'full' : 'incremental';
}
