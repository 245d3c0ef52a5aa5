import type { BackupRecord } from '../vault/record.ts';
import type { RecoveryRecord } from './recovery-record.ts';

/** What is known of how long it takes to get a backup back. Durations in milliseconds. */
export interface RecoveryTime {
  /** How long the last one took that really happened; null before the first. */
  readonly last: number | null;
  readonly kind: RecoveryRecord['kind'] | null;
  /** When that was begun, ISO 8601 UTC, and of which backup. */
  readonly at: string | null;
  readonly backup: string | null;
  /** How long the latest backup would take, by measured rates; null when too little was measured. */
  readonly estimate: number | null;
  /** When the latest of these rates was measured, ISO 8601 UTC. */
  readonly estimatedFrom: string | null;
  /** How the time a byte takes has changed: the last measured against those before, 1 is the same; null before the second. */
  readonly trend: number | null;
  /** Whole recoveries, oldest first. */
  readonly history: readonly {
    readonly at: string;
    readonly durationMs: number;
    readonly kind: RecoveryRecord['kind'];
  }[];
}

/** An estimate, and when what it rests on was measured. */
export interface RecoveryEstimate {
  readonly durationMs: number;
  /** ISO 8601 UTC. */
  readonly measuredAt: string;
}

/** Rates are taken from so many of the latest measurements. */
const MOST_MEASURED = 10;
/** A recovery of less than this share of a backup says nothing about all of it. */
const LEAST_SHARE = 0.1;

type Sources = Pick<BackupRecord, 'sources'>;

/** The recovery time of a set's latest backup. @param recoveries those of the set, newest first */
export function recoveryTime(
  recoveries: readonly RecoveryRecord[],
  latest: Sources | undefined,
): RecoveryTime {
  const good = recoveries.filter(({ isGood }) => isGood);
  const whole = good.filter(({ isWhole }) => isWhole);
  const last = whole[0] ?? good[0];
  const estimate = latest && estimateRecovery(good, latest);
  return {
    last: last?.durationMs ?? null,
    kind: last?.kind ?? null,
    at: last?.at ?? null,
    backup: last?.backup ?? null,
    estimate: estimate?.durationMs ?? null,
    estimatedFrom: estimate?.measuredAt ?? null,
    trend: trendOf(whole),
    history: whole.map(({ at, durationMs, kind }) => ({ at, durationMs, kind })).reverse(),
  };
}

/**
 * How long it would take to recover a backup: bytes of files and of databases, each at the rate at which such bytes came
 * back in the latest recoveries that were large enough. Undefined when there was none.
 * @param recoveries newest first
 */
function estimateRecovery(
  recoveries: readonly RecoveryRecord[],
  { sources }: Sources,
): RecoveryEstimate | undefined {
  const bytes = { files: 0, database: 0 };
  for (const source of sources) bytes[source.type] += source.bytes;
  const all = bytes.files + bytes.database;
  const measured = recoveries
    .filter((each) => each.isWhole || each.bytes + each.databaseBytes >= all * LEAST_SHARE)
    .slice(0, MOST_MEASURED);
  const [latest] = measured;
  if (latest === undefined) return undefined;
  const total = (of: (each: RecoveryRecord) => number, among = measured): number =>
    among.reduce((sum, each) => sum + of(each), 0);
  const besidesLoad = ({ durationMs, phases }: RecoveryRecord): number =>
    Math.max(0, durationMs - phases.load);
  // A few bytes of files beside large databases say nothing of files, nor the other way round.
  const ofFiles = measured.filter((each) => each.bytes > 0 && each.bytes >= bytes.files * LEAST_SHARE);
  const ofDatabases = measured.filter(
    (each) => each.databaseBytes > 0 && each.databaseBytes >= bytes.database * LEAST_SHARE,
  );
  const overall =
    total(({ durationMs }) => durationMs) /
    Math.max(
      1,
      total((each) => each.bytes + each.databaseBytes),
    );
  const fileRate =
    ofFiles.length > 0 ? total(besidesLoad, ofFiles) / total((each) => each.bytes, ofFiles) : overall;
  const databaseRate =
    ofDatabases.length > 0
      ? total(({ phases }) => phases.load, ofDatabases) / total((each) => each.databaseBytes, ofDatabases)
      : overall;
  // With databases alone, what is not loading is planning and checking them.
  const besides = ofFiles.length === 0 ? total(besidesLoad) / measured.length : 0;
  const durationMs = Math.round(bytes.files * fileRate + bytes.database * databaseRate + besides);
  return { durationMs, measuredAt: latest.at };
}

function trendOf([latest, ...before]: readonly RecoveryRecord[]): number | null {
  if (latest === undefined || before.length === 0) return null;
  const earlier = before
    .slice(0, MOST_MEASURED - 1)
    .map(perByte)
    .sort((a, b) => a - b);
  const middle = earlier[Math.floor(earlier.length / 2)]!;
  return middle === 0 ? null : Number((perByte(latest) / middle).toPrecision(3));
}

function perByte({ durationMs, bytes, databaseBytes }: RecoveryRecord): number {
  return durationMs / Math.max(1, bytes + databaseBytes);
}
