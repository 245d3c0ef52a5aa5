import type { Task } from '../task.ts';
import { findAffected } from './affected.ts';
import { BitSet } from './bit-set.ts';
import { type Damage, DamageReport } from './damage.ts';
import { VaultError } from './error.ts';
import { factsOf } from './chunk-facts.ts';
import { badFramesOf, inspectFooters, type PackInspection } from './inspect.ts';
import { type CheckedData, inspectData } from './inspect-data.ts';
import { inspectMissing, inspectObjects, inspectRecords } from './inspect-objects.ts';
import { type KnownDamage, knownDamage } from './known-damage.ts';
import { findLive } from './liveness.ts';
import { isUnwritable, lockForReading } from './lock.ts';
import type { Note } from './notes.ts';
import type { BackupRecord } from './record.ts';
import type { Vault } from './vault.ts';

export interface VerifyOptions {
  /** `quick`: whether all is there and fits together; `data`: every byte. */
  readonly level: 'quick' | 'data';
  /** Only this backup and what it needs. */
  readonly record?: Pick<BackupRecord, 'id'> | undefined;
  /** At level `data`: read so many of a hundred packs, drawn anew each time. */
  readonly samplePercent?: number | undefined;
  /** At level `data`: read only these packs. */
  readonly isRead?: ((pack: string) => boolean) | undefined;
}

/** What a verification has looked at, and what it found. */
export interface Verification {
  readonly level: 'quick' | 'data';
  readonly checked: {
    readonly packs: number;
    readonly chunks: number;
    /** Bytes of these packs. */
    readonly bytes: number;
    readonly backups: number;
  };
  /** Empty when all that was looked at is well. */
  readonly damage: readonly Damage[];
  /** Where not every byte was read: backups in which damage was found before, and not now. */
  readonly known: readonly KnownDamage[];
  /** What was not done, each one sentence; no damage. */
  readonly notices: readonly string[];
}

const WAIT_FOR_LOCK_MS = 10_000;

/**
 * Verifies a vault. Damage is told, not thrown, each with the backups and paths that have lost content by it. These
 * backups are noted as damaged, and those of which every byte was read and found right as verified, if the vault can be
 * written to. Cancelling leaves everything as it was.
 * @throws {VaultError} `locked`, `newer-format`; `unknown-backup` when the record is not in the vault.
 * @throws {CancelledError}, {StorageError} when the storage does not answer.
 */
export async function verify(vault: Vault, options: VerifyOptions, task: Task = {}): Promise<Verification> {
  const purpose = 'a verification';
  await using _lock = await lockForReading(vault.storage, { purpose, waitMs: WAIT_FOR_LOCK_MS }, task);
  const report = new DamageReport();
  await inspectObjects(vault, report);
  const { level, record } = options;
  const all = await inspectRecords(vault, 'backups', report);
  if (record === undefined) {
    await inspectRecords(vault, 'forgotten', report);
    await inspectMissing(vault, all, report);
  }
  const records = record === undefined ? all : all.filter(({ id }) => id === record.id);
  if (record !== undefined && records.length === 0 && report.isEmpty) throw unknownBackup(record.id);

  // At level `data` all of a pack is read, and its footer with it.
  const isWhole = level === 'data' && record === undefined && !isSample(options);
  const inspection = await inspectFooters(vault, report, () => isWhole, task);
  let checked = checkedFooters(inspection);
  if (level === 'data') {
    checked =
      record === undefined
        ? await inspectData(vault, inspection, drawn([...inspection.packs.keys()], options), report, task)
        : await inspectNeeded(vault, inspection, records, options, report, task);
  }
  await findAffected(records, factsOf(vault, inspection), report, task);
  const notices: string[] = [];
  try {
    await noteFindings(vault, records, report, level === 'data' && !isSample(options));
    if (level === 'data') await vault.noteBadFrames(badFramesOf(inspection));
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    const marked = report.isEmpty ? 'verified' : 'verified or damaged';
    notices.push(`No backup was marked as ${marked}: ${error.message}`);
  }
  const known = level === 'data' && !isSample(options) ? [] : await knownDamage(vault, records, report);
  return { level, checked: { ...checked, backups: records.length }, damage: report.list(), known, notices };
}

/** Whether not every byte is read. */
function isSample({ samplePercent, isRead }: VerifyOptions): boolean {
  return samplePercent !== undefined || isRead !== undefined;
}

function unknownBackup(id: string): VaultError {
  return new VaultError('unknown-backup', `There is no backup ${id.slice(0, 8)} in the vault.`);
}

function checkedFooters({ packs, index }: PackInspection): Omit<Verification['checked'], 'backups'> {
  let bytes = 0;
  for (const pack of packs.values()) bytes += pack.bytes;
  return { packs: packs.size, chunks: index.chunkCount, bytes };
}

/**
 * Reads what backups need. Where some of it is damaged, what stands in its stead elsewhere is read too. Damage to what
 * they do not need is not reported.
 */
async function inspectNeeded(
  vault: Vault,
  inspection: PackInspection,
  records: readonly BackupRecord[],
  options: VerifyOptions,
  report: DamageReport,
  task: Task,
): Promise<CheckedData> {
  const checked: CheckedData = { packs: 0, chunks: 0, bytes: 0 };
  for (let before = -1; before !== inspection.badFrames.count;) {
    before = inspection.badFrames.count;
    const frames = new BitSet(inspection.index.frameCount);
    const packs = new Set<string>();
    for (const chunk of (await findLive(vault.reader, inspection.index, records, task)).values()) {
      const { frame } = inspection.index.place(chunk);
      if (frames.add(frame)) packs.add(inspection.index.frame(frame).pack);
    }
    const ids = drawn(
      [...packs].filter((id) => !inspection.read.has(id)),
      options,
    );
    const isNeeded = (frame: number): boolean => frames.has(frame);
    const more = await inspectData(vault, inspection, ids, report, task, isNeeded);
    for (const key of ['packs', 'chunks', 'bytes'] as const) checked[key] += more[key];
    if (isSample(options)) break;
  }
  return checked;
}

/** The packs that are read, of those that could be. */
function drawn(ids: readonly string[], { isRead, samplePercent }: VerifyOptions): readonly string[] {
  return sample(isRead === undefined ? ids : ids.filter(isRead), samplePercent);
}

/** A random share of packs, at least one. */
function sample(ids: readonly string[], percent: number | undefined): readonly string[] {
  if (percent === undefined || ids.length === 0) return ids;
  const drawn = ids.map((id) => ({ id, at: Math.random() })).sort((a, b) => a.at - b.at);
  const count = Math.min(ids.length, Math.max(1, Math.ceil((ids.length * percent) / 100)));
  return drawn.slice(0, count).map(({ id }) => id);
}

/**
 * Notes which backups were found damaged, and when every byte was read, which were found whole. What is lost for good is
 * for repair to say, not for a look.
 */
async function noteFindings(
  vault: Vault,
  records: readonly BackupRecord[],
  report: DamageReport,
  isEveryByte: boolean,
): Promise<void> {
  const known = new Map((await vault.records()).records.map((record) => [record.id, record]));
  const now = new Date().toISOString();
  const notes = records.flatMap(({ id: backup }): Omit<Note, 'at'>[] => {
    const { damagedAt, lostPaths = 0 } = known.get(backup) ?? {};
    const { pathCount } = report.lossesOf(backup);
    if (pathCount > 0) {
      // Of what was lost for good some may be there again.
      const isLess = isEveryByte && pathCount < lostPaths;
      if (damagedAt !== undefined && !isLess) return [];
      return [{ backup, damagedAt: now, ...(isLess ? { lostPaths: pathCount } : {}) }];
    }
    if (!isEveryByte) return [];
    const mended = damagedAt === undefined ? {} : { damagedAt: null };
    return [{ backup, verifiedAt: now, ...mended, ...(lostPaths > 0 ? { lostPaths: 0 } : {}) }];
  });
  if (notes.length > 0) await vault.note(...notes);
}
