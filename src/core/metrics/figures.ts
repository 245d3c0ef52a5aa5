import { forgottenBackups } from '../retention/forget.ts';
import { latestOf } from '../latest.ts';
import type { Task } from '../task.ts';
import { type Past, type PastPrune, readPast } from '../vault/past.ts';
import type { BackupKind, BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { findHoldings } from './holdings.ts';
import { readRecoveries } from './recovery-record.ts';
import { type RecoveryTime, recoveryTime } from './recovery-time.ts';
import { packSpace } from './space.ts';
import { usageOf } from './usage.ts';

/** The figures of a vault; docs/metrics.md defines each. Sizes in bytes. */
export interface Figures {
  /** What the latest backup holds; where several sets share the vault, the latest of each. */
  readonly source: number;
  /** Every byte the vault takes on disk. */
  readonly stored: number;
  /** `source` ÷ `stored`; null when there is no backup. */
  readonly ratio: number | null;
  /** What all backups hold ÷ what is kept of it once. */
  readonly dedup: number | null;
  /** What is kept once ÷ `stored`. */
  readonly compression: number | null;
  /** How many there are in the vault, of all sets: what it takes is for all of them. */
  readonly backups: number;
  /** Of how many sets. */
  readonly sets: number;
  /** Bytes a prune could free: what no backup needs. None while backups cannot be read, for who knows what those need. */
  readonly unused: number;
  readonly recoveryTime: RecoveryTime;
  /** What takes the space, largest first; together `stored`. */
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
  /** Every backup, oldest first, also those that are gone. */
  readonly history: readonly HistoryPoint[];
}

/** A backup in the course of time. */
export interface HistoryPoint {
  readonly id: string;
  readonly set: string;
  readonly kind: BackupKind;
  /** Whether it was taken by itself before a restore, and holds what that was to replace. */
  readonly safety: boolean;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  /** What it holds. */
  readonly source: number;
  /** What it added to the vault. */
  readonly added: number;
  /** What the vault took on disk after it. */
  readonly stored: number;
  /** What a prune would free if this one were forgotten; null when it is gone. */
  readonly exclusive: number | null;
  readonly isGone: boolean;
}

export interface FiguresOptions {
  /** The folder with everything the tool keeps for its user. */
  readonly home: string;
  /** Only the history and recovery time of this set. */
  readonly set?: string | undefined;
}

/**
 * Measures a vault. Everything is read from what is there: nothing is counted along.
 * @throws {StorageError}; {CancelledError}.
 */
export async function measure(
  vault: Vault,
  { home, set }: FiguresOptions,
  task: Task = {},
): Promise<Figures> {
  const { records, damaged } = await vault.records();
  const [usage, past, forgotten, holdings] = await Promise.all([
    usageOf(vault.storage),
    readPast(vault.storage, vault.keys),
    forgottenBackups(vault),
    findHoldings(vault, records, task),
  ]);
  const space = packSpace(holdings, records.length);
  const source = sourceOf(records);
  const all = records.reduce((sum, { bytes }) => sum + bytes.source, 0);
  const { total: stored, recordBytes } = usage;
  const exclusive = new Map(
    records.map(({ id }, number) => [id, space.exclusiveBytes[number]! + (recordBytes.get(id) ?? 0)]),
  );
  const isMeant = (each: { readonly set: string }): boolean => set === undefined || each.set === set;
  const recoveries = readRecoveries(home, vault.id).filter(isMeant);
  return {
    source,
    stored,
    ratio: ratio(source, stored),
    dedup: ratio(all, space.plainBytes),
    compression: ratio(space.plainBytes, stored),
    backups: records.length,
    sets: new Set(records.map((record) => record.set)).size,
    unused: damaged.length > 0 ? 0 : space.unusedBytes,
    recoveryTime: recoveryTime(recoveries, latestOf(records.filter(isMeant))),
    parts: partsOf(holdings.parts, space.partBytes, space.unusedBytes, usage),
    history: historyOf(records, forgotten, past, stored, exclusive).filter(isMeant),
  };
}

/** `source` ÷ `stored` of a vault, from its records, newest first, and what it takes on disk. */
export function ratioOfVault(records: readonly BackupRecord[], stored: number): number | null {
  return ratio(sourceOf(records), stored);
}

function sourceOf(newestFirst: readonly BackupRecord[]): number {
  return latestOfEach(newestFirst).reduce((sum, { bytes }) => sum + bytes.source, 0);
}

function latestOfEach(newestFirst: readonly BackupRecord[]): BackupRecord[] {
  const latest = new Map<string, BackupRecord>();
  for (const record of newestFirst) {
    if (!record.safety && !latest.has(record.set)) latest.set(record.set, record);
  }
  return [...latest.values()];
}

function ratio(of: number, to: number): number | null {
  return of === 0 || to === 0 ? null : Math.round((of / to) * 100) / 100;
}

function partsOf(
  names: readonly string[],
  partBytes: readonly number[],
  unusedBytes: number,
  usage: { readonly total: number; readonly packs: number },
): Figures['parts'] {
  const inPacks = names.map((name, at) => ({ name, bytes: partBytes[at]! }));
  inPacks.push({ name: 'unused', bytes: unusedBytes });
  const counted = inPacks.reduce((sum, { bytes }) => sum + bytes, 0);
  // Footers of packs, the index, records, keys: what finds the rest.
  inPacks.push({ name: 'overhead', bytes: Math.max(0, usage.total - counted) });
  return inPacks.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
}

/** What the vault took after each backup is told backwards from what it takes now: nothing had to be counted along. */
function historyOf(
  records: readonly BackupRecord[],
  forgotten: readonly BackupRecord[],
  past: Past,
  stored: number,
  exclusive: ReadonlyMap<string, number>,
): HistoryPoint[] {
  const here = new Set([...records, ...forgotten].map(({ id }) => id));
  const backups: Omit<HistoryPoint, 'stored'>[] = [
    ...records.map((record) => ({
      ...remembered(record),
      exclusive: exclusive.get(record.id) ?? null,
      isGone: false,
    })),
    ...forgotten.map((record) => ({ ...remembered(record), exclusive: null, isGone: true })),
    ...past.backups
      .filter(({ id }) => !here.has(id))
      .map(({ stored: added, safety = false, ...backup }) => {
        return { ...backup, safety, added, exclusive: null, isGone: true };
      }),
  ];
  interface Event {
    readonly at: string;
    readonly backup?: (typeof backups)[number];
    readonly prune?: PastPrune;
  }
  const events: Event[] = [
    ...backups.map((backup) => ({ at: backup.createdAt, backup })),
    ...past.prunes.map((prune) => ({ at: prune.at, prune })),
  ].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  const points: HistoryPoint[] = [];
  let after = stored;
  for (const { backup, prune } of events) {
    if (prune !== undefined) after += prune.freedBytes;
    if (backup === undefined) continue;
    points.push({ ...backup, stored: after });
    after = Math.max(0, after - backup.added);
  }
  return points.reverse();
}

function remembered({
  id,
  set,
  kind,
  safety,
  createdAt,
  bytes,
}: BackupRecord): Omit<HistoryPoint, 'stored' | 'exclusive' | 'isGone'> {
  return { id, set, kind, safety, createdAt, source: bytes.source, added: bytes.stored };
}
