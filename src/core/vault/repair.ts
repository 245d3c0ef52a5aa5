import { createHash } from 'node:crypto';
import { StorageError } from '../storage/storage.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { findAffected } from './affected.ts';
import { CONFIG_NAME } from './config.ts';
import { type Damage, DamageReport, type LostList } from './damage.ts';
import { VaultError } from './error.ts';
import { encodeIndexFiles } from './index-file.ts';
import { badFramesOf, firstFramesOf, inspectFooters, type PackInspection } from './inspect.ts';
import { inspectData } from './inspect-data.ts';
import { inspectMissing, inspectObjects, inspectRecords } from './inspect-objects.ts';
import { lockForReading, lockVault, type VaultLock } from './lock.ts';
import { readNotes } from './notes.ts';
import { readPast } from './past.ts';
import { packHeaderSalt, packName } from './pack.ts';
import { type BackupRecord, decodeRecord, listRecordIds } from './record.ts';
import { Repacker } from './repack.ts';
import { countLost, factsAfter, salvage, type Salvage } from './salvage.ts';
import type { Vault } from './vault.ts';

export interface RepairOptions {
  /** Tells what would be done, changes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** A backup that has lost content for good. */
export interface DamagedBackup {
  readonly id: string;
  /** Null when its record is lost, and with it the whole backup. */
  readonly createdAt: string | null;
  /** Whether all of it is lost, because its record is. Its content stays until the next prune. */
  readonly isRecordLost: boolean;
  /** The first of them, if there are very many. */
  readonly paths: readonly string[];
  /** Parts of its list that are lost; the first of them, if there are very many. */
  readonly lists: readonly LostList[];
  /** Paths, and entries of lists that are lost. */
  readonly pathCount: number;
}

/** What a repair has found and done, or would do. */
export interface RepairResult {
  /** Everything that was not as it was written; `backups` and `paths` are those that no copy could give back. */
  readonly damage: readonly Damage[];
  /** Objects written anew: index files, packs made of what others still held, records, `vault.json`. */
  readonly written: readonly string[];
  /** Objects moved to `damaged/` in the vault, where nothing looks for them. */
  readonly setAside: readonly string[];
  readonly lostChunks: number;
  /** Backups that have lost something. What they still have can be restored; the rest of the vault is whole. */
  readonly backups: readonly DamagedBackup[];
  /** Milliseconds by step. */
  readonly phases: Readonly<Record<string, number>>;
}

const WAIT_FOR_LOCK_MS = 10_000;

/** A repair under way; its steps fill it in. */
interface Work {
  readonly vault: Vault;
  readonly lock: VaultLock;
  readonly task: Task;
  readonly dryRun: boolean;
  readonly report: DamageReport;
  readonly written: string[];
  readonly setAside: string[];
  records: BackupRecord[];
  /** Ids of backups whose records do not open. */
  lostRecords: string[];
  inspection: PackInspection | undefined;
  salvage: Salvage | undefined;
  lostChunks: number;
}

type Step = readonly [name: string, step: (work: Work) => Promise<void>];

const STEPS: readonly Step[] = [
  ['objects', lookAtObjects],
  ['records', mendRecords],
  ['misplaced', mendMisplacedPacks],
  ['packs', lookAtPacks],
  ['backups', findLosses],
  ['config', mendConfig],
  ['rebuild', rebuildPacks],
  ['notes', mendNotes],
];

/**
 * Mends a vault as far as it can be mended: reads every byte, writes what is still whole of damaged packs into new ones,
 * rebuilds index files, a lost `vault.json` and misplaced records, and marks backups that have lost content for good.
 * Nothing is deleted: what is damaged moves to `damaged/`. It has the vault alone. Safe to be killed or cancelled at any
 * step; the next repair does the rest.
 * @throws {VaultError} `locked`, `newer-format`; {CancelledError}, {StorageError}.
 */
export async function repair(
  vault: Vault,
  options: RepairOptions = {},
  task: Task = {},
): Promise<RepairResult> {
  const dryRun = options.dryRun ?? false;
  const asked = { purpose: 'a repair', waitMs: WAIT_FOR_LOCK_MS };
  await using lock = await (dryRun
    ? lockForReading(vault.storage, asked, task)
    : lockVault(vault.storage, 'exclusive', asked, task));
  const work: Work = {
    vault,
    lock,
    task,
    dryRun,
    report: new DamageReport(),
    written: [],
    setAside: [],
    records: [],
    lostRecords: [],
    inspection: undefined,
    salvage: undefined,
    lostChunks: 0,
  };
  const phases: Record<string, number> = {};
  try {
    for (const [name, step] of STEPS) {
      throwIfCancelled(task);
      const startedAt = performance.now();
      await step(work);
      phases[name] = Math.round(performance.now() - startedAt);
    }
  } finally {
    vault.forgetIndex();
  }
  return {
    damage: work.report.list(),
    written: work.written,
    setAside: work.setAside,
    lostChunks: work.lostChunks,
    backups: damagedBackups(work),
    phases,
  };
}

async function lookAtObjects({ vault, report }: Work): Promise<void> {
  await inspectObjects(vault, report);
}

/** Puts records under the names that their content gives them; those that do not open are set aside. */
async function mendRecords(work: Work): Promise<void> {
  const { vault, report } = work;
  for (const folder of ['backups', 'forgotten'] as const) {
    await inspectRecords(vault, folder, report);
    const misplaced = new Map<string, Buffer>();
    const damaged = new Set<string>();
    for (const { name } of await vault.storage.list(folder)) {
      if (!report.has(name)) continue;
      damaged.add(name);
      const bytes = await vault.storage.read(name);
      const id = createHash('sha256').update(bytes).digest('hex');
      if (isRecord(vault, id, bytes)) misplaced.set(name, bytes);
    }
    const ids = new Set(await listRecordIds(vault.storage, folder));
    for (const bytes of misplaced.values()) {
      const proper = `${folder}/${createHash('sha256').update(bytes).digest('hex')}`;
      // What stands in its place may be another that is misplaced: it is kept before it is replaced.
      if (damaged.delete(proper)) await setAside(work, proper);
      await write(work, proper, bytes);
    }
    for (const name of damaged) {
      const id = name.slice(folder.length + 1);
      if (folder === 'backups' && ids.has(id) && !misplaced.has(name)) work.lostRecords.push(id);
      await setAside(work, name);
    }
  }
  // Read again: what was mended is there now, what was set aside is gone.
  const fresh = work.dryRun ? report : new DamageReport();
  work.records = await inspectRecords(vault, 'backups', fresh);
  await acceptMissing(work);
}

/** Nothing can bring back what is gone without a trace: an empty object in its place says that it was told. */
async function acceptMissing(work: Work): Promise<void> {
  const { vault, report, records } = work;
  for (const id of await inspectMissing(vault, records, report)) {
    work.lostRecords.push(id);
    if (work.dryRun) continue;
    await work.lock.assertHeld();
    await vault.storage.write(`damaged/backups/${id}`, []);
  }
}

function isRecord(vault: Vault, id: string, bytes: Buffer): boolean {
  try {
    decodeRecord(vault.keys, id, bytes);
    return true;
  } catch (error) {
    if (error instanceof VaultError) return false;
    throw error;
  }
}

/** Puts packs that stand under a name no pack has where they belong. */
async function mendMisplacedPacks(work: Work): Promise<void> {
  const { storage } = work.vault;
  for (const { name } of await storage.list('packs')) {
    if (!work.report.has(name)) continue;
    const bytes = await storage.read(name);
    if (packHeaderSalt(bytes) === undefined) continue;
    const proper = packName(createHash('sha256').update(bytes).digest('hex'));
    if ((await storage.size(proper)) === undefined) await write(work, proper, bytes);
    await setAside(work, name);
  }
}

async function lookAtPacks(work: Work): Promise<void> {
  const { vault, report, task } = work;
  const inspection = await inspectFooters(vault, report, () => true, task);
  await inspectData(vault, inspection, [...inspection.packs.keys()], report, task);
  work.inspection = inspection;
  work.salvage = await salvage(vault, inspection, report, task);
  work.lostChunks = countLost(inspection, work.salvage.index);
}

/** Finds out which backups have lost content for good, and marks them. */
async function findLosses(work: Work): Promise<void> {
  const { vault, inspection, report, records, task } = work;
  const noted = new Map((await vault.records()).records.map(({ id, lostPaths }) => [id, lostPaths ?? 0]));
  await findAffected(records, factsAfter(vault, inspection!, work.salvage!), report, task);
  const notes = records
    .map(({ id }) => ({ backup: id, lostPaths: report.lossesOf(id).pathCount }))
    .filter(({ backup, lostPaths }) => lostPaths !== (noted.get(backup) ?? 0));
  if (notes.length > 0 && !work.dryRun) {
    await work.lock.assertHeld();
    await vault.note(...notes);
  }
}

async function mendConfig(work: Work): Promise<void> {
  if (work.report.has(CONFIG_NAME)) await write(work, CONFIG_NAME, Buffer.from(work.vault.config.text));
}

/** Writes what can still be read of damaged packs into new ones, then an index of all, then moves the old ones away. */
async function rebuildPacks(work: Work): Promise<void> {
  const { vault, report, task } = work;
  const { survey } = work.inspection!;
  const { whole, damaged, hopeless, index, stranded } = work.salvage!;
  const listed = new Set(survey.indexes.flatMap(({ packs }) => packs));
  const isIndexRight =
    survey.lost.length + survey.damagedIndexes.length + damaged.length + stranded.length === 0 &&
    !survey.indexes.some(({ isMisnamed }) => isMisnamed) &&
    whole.every(({ id }) => listed.has(id));
  if (!isIndexRight) {
    const firstFrames = firstFramesOf(index);
    const repacker = new Repacker(
      vault,
      index,
      () => true,
      () => false,
    );
    if (!work.dryRun) {
      for (const pack of damaged) {
        throwIfCancelled(task);
        if (firstFrames.has(pack.id)) await repacker.take(pack, firstFrames.get(pack.id)!);
      }
      for (const chunk of stranded) await repacker.putAlone(chunk);
    }
    const rebuilt = await repacker.finish();
    work.written.push(...rebuilt.map(({ id }) => packName(id)));
    for (const { name, bytes } of encodeIndexFiles(vault.keys, [...whole, ...rebuilt])) {
      await write(work, name, bytes);
    }
    for (const { name, isMisnamed } of survey.indexes) {
      if (isMisnamed) await setAside(work, name);
      else if (!work.dryRun) await vault.storage.remove(name);
    }
    for (const name of survey.damagedIndexes) await setAside(work, name);
  }
  for (const id of [...damaged.map((pack) => pack.id), ...hopeless]) {
    throwIfCancelled(task);
    if (!report.has(packName(id))) report.add(packName(id), 'Some of it rests on content that is lost.');
    await setAside(work, packName(id));
  }
}

async function mendNotes(work: Work): Promise<void> {
  await noteDamage(work);
  await noteBadFrames(work);
  const { storage, keys } = work.vault;
  const notes = await readNotes(storage, keys);
  const past = await readPast(storage, keys);
  for (const name of [...notes.damaged, ...past.damaged]) await setAside(work, name);
}

/** Notes which backups are damaged, and which were and are mended now. */
async function noteDamage({ vault, lock, report, records, dryRun }: Work): Promise<void> {
  if (dryRun) return;
  const known = new Map((await vault.records()).records.map(({ id, damagedAt }) => [id, damagedAt]));
  const now = new Date().toISOString();
  const notes = records
    .map(({ id }) => ({ backup: id, damagedAt: report.lossesOf(id).pathCount > 0 ? now : null }))
    .filter(({ backup, damagedAt }) => (damagedAt === null) !== (known.get(backup) === undefined));
  if (notes.length === 0) return;
  await lock.assertHeld();
  await vault.note(...notes);
}

/** What packs hold is known now; of those that were set aside nothing is to be known any more. */
async function noteBadFrames({ vault, lock, inspection, setAside, dryRun }: Work): Promise<void> {
  if (dryRun) return;
  const found = new Map(badFramesOf(inspection!));
  for (const pack of [...found.keys(), ...inspection!.noted.keys()]) {
    if (!inspection!.packs.has(pack) || setAside.includes(packName(pack))) found.set(pack, new Set());
  }
  await lock.assertHeld();
  await vault.noteBadFrames(found);
}

async function write(work: Work, name: string, bytes: Buffer): Promise<void> {
  if (!work.dryRun) {
    await work.lock.assertHeld();
    await work.vault.storage.write(name, [bytes]);
  }
  work.written.push(name);
}

/** Moves an object to `damaged/`: first the copy, then the removal. What cannot be read stays where it is. */
async function setAside(work: Work, name: string): Promise<void> {
  const { storage } = work.vault;
  if (!work.dryRun) {
    let bytes: Buffer;
    try {
      bytes = await storage.read(name);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      work.report.add(name, 'The disk cannot read it; it was left where it is.');
      return;
    }
    await work.lock.assertHeld();
    await storage.write(`damaged/${name}`, [bytes]);
    await storage.remove(name);
  }
  work.setAside.push(name);
}

const NO_LOSSES = { paths: [], lists: [], pathCount: 0 };

function damagedBackups({ records, lostRecords, report }: Work): DamagedBackup[] {
  return [
    ...lostRecords.map((id) => ({ id, createdAt: null, isRecordLost: true, ...NO_LOSSES })),
    ...records
      .map(({ id, createdAt }) => ({ id, createdAt, isRecordLost: false, ...report.lossesOf(id) }))
      .filter(({ pathCount }) => pathCount > 0),
  ];
}
