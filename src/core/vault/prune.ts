import { type Task, throwIfCancelled } from '../task.ts';
import { foldPackNotes, indexOf } from './bad-frames.ts';
import { BitSet } from './bit-set.ts';
import { VaultError } from './error.ts';
import { ChunkIndex } from './index.ts';
import { encodeIndexFiles, type IndexFile, type PackSurvey, surveyPacks } from './index-file.ts';
import { type Liveness, markLive } from './liveness.ts';
import { lockForReading, lockVault, type VaultLock } from './lock.ts';
import { encodeNotes, latestNotes, readNotes } from './notes.ts';
import { type ListedPack, packName, readFooter } from './pack.ts';
import { remember } from './past.ts';
import { type PackFate, planPrune } from './prune-plan.ts';
import { type BackupRecord, decodeRecord, forgottenName, listRecordIds } from './record.ts';
import { Repacker } from './repack.ts';
import type { Vault } from './vault.ts';

export interface PruneOptions {
  /** Tells what would be freed, changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Backups that were forgotten later than this can still be taken back afterwards; by default none can. */
  readonly forgottenBefore?: Date | undefined;
}

/** What a prune has done, or would do. */
export interface PruneResult {
  /** Bytes the vault takes less than before; an estimate in a dry run. */
  readonly freedBytes: number;
  /** Bytes of packs that were written anew, because much of them was waste. */
  readonly repackedBytes: number;
  readonly removedPacks: number;
  readonly repackedPacks: number;
  /** Ids of forgotten backups that can no longer be taken back. */
  readonly removedBackups: readonly string[];
  /** Milliseconds by step. */
  readonly phases: Readonly<Record<string, number>>;
}

const WAIT_FOR_LOCK_MS = 10_000;
/** Index files smaller than this are put together. */
const SMALL_INDEX_BYTES = 1024 * 1024;
/** What interrupted writes have left is swept when it is older; others may just be writing a lock or a note. */
const SWEEP_AGE_MS = 5 * 60_000;
/** After so many removals the lock is looked at again, or after so long: the machine may have slept. */
const REMOVALS_A_LOOK = 64;
const LOOK_MS = 1000;

/** A prune under way; its steps fill it in. */
interface Work {
  readonly vault: Vault;
  readonly lock: VaultLock;
  readonly task: Task;
  readonly dryRun: boolean;
  readonly forgottenBefore: Date | undefined;
  records: readonly BackupRecord[];
  forgotten: readonly string[];
  survey: PackSurvey;
  /** Packs that can be read, also those no index file lists, by id. */
  packs: Map<string, ListedPack>;
  index: ChunkIndex;
  live: Liveness;
  /** What backups are made of, and what this was coded against. */
  needed: BitSet;
  plan: PackPlan[];
  newPacks: readonly ListedPack[];
  freedBytes: number;
}

interface PackPlan extends PackFate {
  readonly pack: ListedPack;
}

/** Looking at things; nothing is changed before all of it is done. */
const LOOK: readonly (readonly [name: string, step: (work: Work) => Promise<void>])[] = [
  ['records', readRecords],
  ['packs', readPacks],
  ['mark', mark],
  ['plan', plan],
];

/** Changing things, in an order that is safe to be killed in at any point. */
const CHANGE: typeof LOOK = [
  ['forget', removeForgotten],
  ['repack', repack],
  ['index', replaceIndexes],
  ['remove', removePacks],
  ['notes', foldNotesObjects],
  ['past', rememberPrune],
  ['sweep', sweep],
];

/**
 * Frees the space of what no backup needs: forgotten backups first, then packs nobody needs, then the waste in others.
 * It has the vault alone. Safe to be killed or cancelled at any step: what is needed is always in a pack that an index
 * file or its own footer lists; the next prune does the rest.
 * @throws {VaultError} `locked`; `damaged` when a backup lacks something, before anything is removed.
 * @throws {CancelledError}, {StorageError}.
 */
export async function prune(vault: Vault, options: PruneOptions = {}, task: Task = {}): Promise<PruneResult> {
  const dryRun = options.dryRun ?? false;
  const asked = { purpose: 'a prune', waitMs: WAIT_FOR_LOCK_MS };
  await using lock = await (dryRun
    ? lockForReading(vault.storage, asked, task)
    : lockVault(vault.storage, 'exclusive', asked, task));
  const work: Work = {
    vault,
    lock,
    task,
    dryRun,
    forgottenBefore: options.forgottenBefore,
    records: [],
    forgotten: [],
    survey: { present: [], lost: [], unlisted: [], indexes: [], damagedIndexes: [] },
    packs: new Map(),
    index: new ChunkIndex(),
    live: { chunks: new BitSet(0), manifests: new BitSet(0) },
    needed: new BitSet(0),
    plan: [],
    newPacks: [],
    freedBytes: 0,
  };
  const phases: Record<string, number> = {};
  try {
    for (const [name, step] of dryRun ? LOOK : [...LOOK, ...CHANGE]) {
      throwIfCancelled(task);
      const startedAt = performance.now();
      await step(work);
      phases[name] = Math.round(performance.now() - startedAt);
    }
  } finally {
    vault.forgetIndex();
  }
  return resultOf(work, phases);
}

async function readRecords(work: Work): Promise<void> {
  const { records, damaged } = await work.vault.records({ fromVault: true });
  const [first] = damaged;
  if (first !== undefined) {
    throw new VaultError(
      first.error.code,
      `Nothing was pruned: what backup ${first.id.slice(0, 8)} needs is not known, because its record cannot be read.`,
      {
        cause: first.error,
        hint: first.error.code === 'damaged' ? 'Run “crm-backup repair” first.' : first.error.hint!,
      },
    );
  }
  const held = work.forgottenBefore === undefined ? [] : await heldRecords(work.vault, work.forgottenBefore);
  const heldIds = new Set(held.map(({ id }) => id));
  work.records = [...records, ...held];
  work.forgotten = (await listRecordIds(work.vault.storage, 'forgotten')).filter((id) => !heldIds.has(id));
}

/** Forgotten backups that are to be treated as if they were on the list. */
async function heldRecords({ storage, keys }: Vault, before: Date): Promise<BackupRecord[]> {
  const held: BackupRecord[] = [];
  for (const { name, modifiedMs } of await storage.list('forgotten')) {
    const id = name.slice('forgotten/'.length);
    if (modifiedMs < before.getTime() || !/^[0-9a-f]{64}$/.test(id)) continue;
    try {
      // What a forgotten one lacks must not stop anybody.
      held.push({ ...decodeRecord(keys, id, await storage.read(name)), lostPaths: 1 });
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'damaged') throw error;
    }
  }
  return held;
}

async function readPacks(work: Work): Promise<void> {
  const { storage, keys } = work.vault;
  work.survey = await surveyPacks(storage, keys);
  for (const pack of work.survey.present) work.packs.set(pack.id, pack);
  for (const { id, bytes } of work.survey.unlisted) {
    throwIfCancelled(work.task);
    try {
      work.packs.set(id, await readFooter(storage, keys, id, bytes));
    } catch (error) {
      // Nothing that is needed can be only here, or marking will say so. What it is, is for repair to find out.
      if (!(error instanceof VaultError)) throw error;
    }
  }
  work.index = indexOf([...work.packs.values()], await work.vault.badFrames());
}

async function mark(work: Work): Promise<void> {
  work.live = await markLive(work.vault.reader, work.index, work.records, work.task);
}

async function plan(work: Work): Promise<void> {
  const { fates, needed } = planPrune(work.index, work.live.chunks);
  work.needed = needed;
  for (const [number, { id }] of work.index.packs.entries()) {
    work.plan.push({ pack: work.packs.get(id)!, ...fates[number]! });
  }
  return Promise.resolve();
}

/** From here on forgotten backups cannot be taken back: their records go before their data. */
async function removeForgotten(work: Work): Promise<void> {
  const { storage, keys } = work.vault;
  if (work.forgotten.length > 0) await work.lock.assertHeld();
  work.freedBytes -= await remember(storage, keys, await forgottenRecords(work), []);
  for (const id of work.forgotten) {
    work.freedBytes += (await storage.size(forgottenName(id))) ?? 0;
    await storage.remove(forgottenName(id));
  }
}

/** Of backups that are really gone; those that cannot be read are not remembered. */
async function forgottenRecords({ vault, forgotten, records }: Work): Promise<BackupRecord[]> {
  const gone: BackupRecord[] = [];
  for (const id of forgotten) {
    if (records.some((record) => record.id === id)) continue;
    try {
      gone.push(decodeRecord(vault.keys, id, await vault.storage.read(forgottenName(id))));
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
    }
  }
  return gone;
}

async function repack(work: Work): Promise<void> {
  const { vault, index, live, needed, task } = work;
  const packs = work.plan.filter(({ fate }) => fate === 'repack');
  const repacker = new Repacker(
    vault,
    index,
    (chunk) => needed.has(chunk),
    (chunk) => live.manifests.has(chunk),
  );
  for (const [number, { pack, firstFrame }] of packs.entries()) {
    throwIfCancelled(task);
    task.progress?.({ phase: 'repack', done: number, total: packs.length, unit: 'packs' });
    await repacker.take(pack, firstFrame);
  }
  work.newPacks = await repacker.finish();
  assertAllMoved(work, packs, repacker);
  for (const { bytes } of work.newPacks) work.freedBytes -= bytes;
}

/** Nothing is removed on the word of a program alone: what was to be moved must have been. */
function assertAllMoved(work: Work, packs: readonly PackPlan[], repacker: Repacker): void {
  const leaving = new Set(packs.map(({ pack }) => pack.id));
  for (const chunk of work.needed.values()) {
    const { pack } = work.index.frame(work.index.place(chunk).frame);
    if (leaving.has(pack) && !repacker.moved.has(chunk)) {
      throw new Error(`chunk ${work.index.idOf(chunk).toString('hex', 0, 6)} was left behind by a repack`);
    }
  }
}

/** Writes what packs there will be, then removes the index files that are out of date or small. */
async function replaceIndexes(work: Work): Promise<void> {
  const { storage, keys } = work.vault;
  const kept = new Set(work.plan.filter(({ fate }) => fate === 'keep').map(({ pack }) => pack.id));
  const outdated = outdatedIndexes(work.survey.indexes, kept);
  const outdatedNames = new Set(outdated.map(({ name }) => name));
  const listed = new Set(
    work.survey.indexes.filter(({ name }) => !outdatedNames.has(name)).flatMap(({ packs }) => packs),
  );
  const unlisted = work.plan
    .filter(({ fate, pack }) => fate === 'keep' && !listed.has(pack.id))
    .map(({ pack }) => pack);
  await work.lock.assertHeld();
  for (const { name, bytes } of encodeIndexFiles(keys, [...unlisted, ...work.newPacks])) {
    await storage.write(name, [bytes]);
    work.freedBytes -= bytes.length;
  }
  // The new ones list all that stays: from here on the old ones are not needed.
  await work.lock.assertHeld();
  for (const { name, bytes } of outdated) {
    await storage.remove(name);
    work.freedBytes += bytes;
  }
}

/** Index files that list a pack which goes or has gone; and small ones, if there is more than one. */
function outdatedIndexes(indexes: readonly IndexFile[], kept: ReadonlySet<string>): IndexFile[] {
  const isOutdated = ({ packs }: IndexFile): boolean => packs.some((id) => !kept.has(id));
  const small = indexes.filter(({ bytes }) => bytes < SMALL_INDEX_BYTES);
  const areMany = small.length > 1;
  return indexes.filter((index) => isOutdated(index) || (areMany && index.bytes < SMALL_INDEX_BYTES));
}

async function removePacks(work: Work): Promise<void> {
  const leaving = work.plan.filter(({ fate }) => fate !== 'keep');
  let lookedAt = 0;
  for (const [number, { pack }] of leaving.entries()) {
    throwIfCancelled(work.task);
    // The time of day: other clocks may stand still in a machine that sleeps.
    const now = Date.now();
    if (number % REMOVALS_A_LOOK === 0 || Math.abs(now - lookedAt) > LOOK_MS) {
      lookedAt = now;
      await work.lock.assertHeld();
    }
    work.task.progress?.({ phase: 'remove', done: number, total: leaving.length, unit: 'packs' });
    await work.vault.storage.remove(packName(pack.id));
    work.freedBytes += pack.bytes;
  }
}

/** Puts what holds now into one object; notes on backups and packs that are gone are dropped. */
async function foldNotesObjects(work: Work): Promise<void> {
  const { storage, keys } = work.vault;
  const { notes, packs, objects } = await readNotes(storage, keys);
  const ids = new Set(work.records.map(({ id }) => id));
  const kept = new Set(work.plan.filter(({ fate }) => fate === 'keep').map(({ pack }) => pack.id));
  const latest = [
    ...latestNotes(notes).filter(({ backup }) => ids.has(backup)),
    ...[...foldPackNotes(packs).values()].filter(({ pack }) => kept.has(pack)),
  ];
  const isOne = objects.length === 1 && latest.length === notes.length + packs.length;
  if (objects.length === 0 || isOne) return;
  await work.lock.assertHeld();
  if (latest.length > 0) {
    const { name, bytes } = encodeNotes(keys, latest);
    await storage.write(name, [bytes]);
  }
  for (const name of objects) await storage.remove(name);
}

async function rememberPrune(work: Work): Promise<void> {
  const { vault, freedBytes } = work;
  if (freedBytes <= 0) return;
  await work.lock.assertHeld();
  const event = { at: new Date().toISOString(), freedBytes };
  work.freedBytes -= await remember(vault.storage, vault.keys, [], [event]);
}

async function sweep(work: Work): Promise<void> {
  await work.vault.storage.sweep(SWEEP_AGE_MS);
}

function resultOf(work: Work, phases: Record<string, number>): PruneResult {
  const removed = work.plan.filter(({ fate }) => fate === 'remove');
  const repacked = work.plan.filter(({ fate }) => fate === 'repack');
  const wasteBytes = [...removed, ...repacked].reduce((sum, plan) => sum + plan.wasteBytes, 0);
  const wholeBytes = repacked.reduce((sum, { pack }) => sum + pack.bytes, 0);
  const repackedWaste = repacked.reduce((sum, plan) => sum + plan.wasteBytes, 0);
  return {
    freedBytes: Math.max(0, work.dryRun ? wasteBytes : work.freedBytes),
    repackedBytes: work.dryRun
      ? wholeBytes - repackedWaste
      : work.newPacks.reduce((sum, { bytes }) => sum + bytes, 0),
    removedPacks: removed.length,
    repackedPacks: repacked.length,
    // One whose forgetting was interrupted is on the list still.
    removedBackups: work.forgotten.filter((id) => !work.records.some((record) => record.id === id)),
    phases,
  };
}
