import { resolve } from 'node:path';
import type { BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import { lockLive } from '../live-lock.ts';
import type { SecretSource } from '../surroundings.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { lockForReading } from '../vault/lock.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { WorkerPool } from '../worker/pool.ts';
import { applyRestore } from './apply.ts';
import { findDamaged, withoutDamaged } from './damaged.ts';
import {
  type DatabaseChoice,
  type SelectedDatabase,
  selectDatabases,
  withNamed,
} from './database-selection.ts';
import type { RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import { endInterrupted } from './interrupted.ts';
import { newRestoreId } from './journal.ts';
import { lookAt } from './live-tree.ts';
import { keptBefore, restoreToUndo, undoOf } from './last-restore.ts';
import { overRestored } from './over-restored.ts';
import type { Recovered } from './recover.ts';
import { recoverRoot } from './recover-root.ts';
import { measureRecovery } from './measure-recovery.ts';
import {
  extractDatabases,
  extracted,
  planDatabases,
  type PlannedDatabase,
  planExtracts,
  restored,
  type RestoredDatabase,
} from './plan-databases.ts';
import { changesAnything } from './root-plan.ts';
import type { SelectedPath } from './selection.ts';
import type { SkippedPath } from './skipped.ts';
import { takeSafetyBackup } from './safety-backup.ts';
import { placesOf, planRestore, type RestorePlace, type RestorePlan } from './plan-restore.ts';
import { sqliteFiles } from './sqlite-files.ts';

/** A live set, as far as restores are concerned. */
export interface RestoreSet extends Omit<BackupSources, 'databases'> {
  readonly databases?: readonly BackupDatabase[];
}

export interface RestoreOptions {
  /** The folder with everything the tool keeps for its user: journals of restores are kept there. */
  readonly home: string;
  /** The live set; may be left out when `to` is given. */
  readonly set?: RestoreSet | undefined;
  /**
   * Paths in the backup with all that is below them: `files/<root>/…`, `databases/<name>`, a table below it. None means
   * everything, unless databases are named.
   */
  readonly paths?: readonly string[] | undefined;
  /** Databases that are restored besides, or elsewhere; `none` leaves all of them as they are. */
  readonly databases?: readonly DatabaseChoice[] | 'none' | undefined;
  /** Whether sessions of others may be ended when a database is switched. */
  readonly endSessions?: boolean | undefined;
  /** Restores to `<to>/files/<root>/…` instead of the original places; relative to the current folder. */
  readonly to?: string | undefined;
  /** Removes live files that the backup does not have; never what the backup's rules exclude. */
  readonly delete?: boolean | undefined;
  /** Plans only. */
  readonly dryRun?: boolean | undefined;
  /** False takes no safety backup first. Restoring with `to` never takes one. */
  readonly safetyBackup?: boolean | undefined;
  /** Whether files that are in `to` may be replaced, and what is in a database that is named as a target and is none of the set. */
  readonly overwrite?: boolean | undefined;
  /** Restores what is whole where the vault has lost or damaged the rest, instead of nothing. */
  readonly skipDamaged?: boolean | undefined;
  /** Whether it is a part of a drill, which keeps its own figures. */
  readonly isDrill?: boolean | undefined;
  /** Paths of files in the backup that are not restored; what holds of a folder must hold of all below it. */
  readonly isLeftOut?: ((path: string) => boolean) | undefined;
  /** Where secrets come from that interrupted restores need. */
  readonly secret?: SecretSource | undefined;
  /** Is told of restores that were interrupted, and whether one is in the way and is therefore ended now. */
  readonly onInterrupted?: ((found: Recovered, isEndedFirst: boolean) => Promise<void>) | undefined;
  /** For tests: carries out every step on the disk. */
  readonly disk?: RestoreDisk | undefined;
}

/** What a restore did, or in a dry run would do. */
export interface RestoreReport {
  /** Counted in files and links. */
  readonly plan: {
    readonly create: number;
    readonly replace: number;
    readonly delete: number;
    readonly unchanged: number;
    /** Databases that are restored. */
    readonly tables: readonly RestoredDatabase[];
    /** Of the unchanged, and of folders: how many got another mode or time. */
    readonly adjusted: number;
    readonly bytes: number;
  };
  /** What was left out because the vault has lost or damaged it: the first of each kind. */
  readonly problems: readonly SkippedPath[];
  /** How much was, in all. */
  readonly skipped: number;
  /** Roots in which nothing was removed, though it was wanted, because a part of their list is damaged or lost. */
  readonly notDeleted: readonly string[];
  /** Id of the safety backup; null when none was taken. */
  readonly safetyBackup: string | null;
  /** Whether every byte was checked against its hash and everything seen in its place. */
  readonly verified: boolean;
  readonly durationMs: number;
  /** Milliseconds by phase. */
  readonly phases: {
    readonly plan: number;
    readonly safety: number;
    readonly fetch: number;
    readonly decode: number;
    readonly write: number;
    readonly load: number;
    readonly verify: number;
    readonly switch: number;
  };
}

const WAIT_FOR_LOCK_MS = 10_000;
const MUCH_BYTES = 16 * 1024 * 1024;

/**
 * Restores files of a backup: plans, takes a safety backup, stages everything new beside its target, checks and flushes
 * it, and switches; only what differs is written. Restores of before that were killed there are brought to their end first.
 * A cancellation is heard until the switch begins and leaves everything as it was; so does every failure.
 *
 * @throws {RestoreError}, {CancelledError}, {VaultError}, {StorageError}; {SourceError} never.
 */
export async function restore(
  vault: Vault,
  record: BackupRecord,
  options: RestoreOptions,
  task: Task = {},
): Promise<RestoreReport> {
  const { databases } = options;
  const named = databases === undefined || databases === 'none' ? [] : databases;
  // Who names databases only means them only.
  const paths = selectedPaths(options.paths ?? [], named);
  return restorePaths(vault, record, { ...options, selected: paths, deleteMissing: false }, task);
}

interface UndoOptions extends Pick<
  RestoreOptions,
  'home' | 'safetyBackup' | 'endSessions' | 'skipDamaged' | 'dryRun' | 'disk'
> {
  /** Id of the safety backup of the restore that is meant; by default the last one is taken back, whichever it is. */
  readonly meant?: string | undefined;
}

/**
 * Takes the set's last restore back: brings what it touched to the state of its safety backup, again after a safety
 * backup of its own. A database that was not there before stays.
 * @throws {RestoreError} `nothing-to-undo`, `restored-since`; else what {@link restore} throws.
 */
export async function undoRestore(
  vault: Vault,
  set: RestoreSet,
  { meant, ...options }: UndoOptions,
  task: Task = {},
): Promise<RestoreReport> {
  const { records } = await vault.records();
  const { last, record } = restoreToUndo(options.home, vault.id, set.name, records, meant);
  const selected = keptBefore(last, record);
  const all = { ...options, set, delete: true, selected, deleteMissing: true };
  // While this waited for another restore, that has become the last one.
  const mustBeLast = (): void =>
    void restoreToUndo(options.home, vault.id, set.name, records, last.safetyBackup);
  return restorePaths(vault, record, { ...all, mustBeLast }, task);
}

interface AllOptions extends RestoreOptions {
  readonly selected: readonly SelectedPath[] | undefined;
  readonly deleteMissing: boolean;
  /** Called when nobody else changes what is live: throws when there is nothing to do any more. */
  readonly mustBeLast?: () => void;
}

async function restorePaths(
  vault: Vault,
  record: BackupRecord,
  options: AllOptions,
  task: Task,
): Promise<RestoreReport> {
  throwIfCancelled(task);
  const startedAt = performance.now();
  const { home, set, disk } = options;
  const to = options.to === undefined ? undefined : resolve(options.to);
  const purpose = 'a restore';
  const request = {
    paths: options.selected,
    set,
    to,
    delete: options.delete ?? false,
    deleteMissing: options.deleteMissing,
    isLeftOut: options.isLeftOut,
  };
  const { databases: named = [] } = options;
  const meant = named === 'none' ? [] : selectDatabases(record, options.selected, named);
  const isLocked = options.dryRun !== true && options.isDrill !== true;
  const over = isLocked ? await overRestored(record, request, meant, options.safetyBackup !== false) : [];
  // From before the plan to the end: a plan made of what another restore is changing would be of nothing.
  await using lock = isLocked ? await lockLive(home, over, 'exclusive', purpose, task) : undefined;
  options.mustBeLast?.();
  await using _lock = await lockForReading(vault.storage, { purpose, waitMs: WAIT_FOR_LOCK_MS }, task);
  await using _noted = { [Symbol.asyncDispose]: async () => vault.noteDamageMet() };
  await using pool = new WorkerPool();
  if (!options.dryRun) {
    const places = placesOf(record, request);
    const directories = places.map(({ directory }) => directory);
    // A drill has nothing to do with what is live.
    const replaced = to === undefined ? meant : [];
    if (options.isDrill !== true) await endInterrupted(vault, nextOf(options, directories, replaced), task);
    for (const directory of directories) await recoverRoot(directory, home, disk, options.secret);
    if (disk === undefined && isMuchSurelyNew(places, options.selected)) pool.start();
  }
  const damaged =
    options.skipDamaged === true ? await findDamaged(vault, record, options.selected, task) : undefined;
  // The safety backup stores it anew.
  await vault.noteDamageMet();
  const databaseFiles = to === undefined ? await sqliteFiles(set?.databases ?? []) : [];
  const plan = await planRestore(vault, record, { ...request, damaged, databaseFiles }, task);
  const restoreId = newRestoreId();
  const selected =
    damaged === undefined ? meant : withoutDamaged(meant, damaged, plan.skipped, to !== undefined);
  const inPlace = to === undefined ? selected : [];
  const ofSet = set?.databases ?? [];
  const mayEndSessions = options.endSessions ?? false;
  const consent = {
    mayEndSessions,
    mayLoseLive: options.safetyBackup === false,
    mayOverwrite: options.overwrite,
  };
  await using planned = await planDatabases(vault, record, inPlace, { live: ofSet, ...consent }, task);
  const extracts = to === undefined ? [] : await planExtracts(vault, record, selected, to);
  const all = { ...plan, databases: [...planned.databases.map(restored), ...extracts.map(extracted)] };
  const plannedAt = performance.now();
  const nothing = { fetch: 0, decode: 0, write: 0, verify: 0, load: 0, switch: 0 };
  if (to !== undefined) mustBeFree(plan, to, options.overwrite ?? false);
  if (options.dryRun) return report(all, null, false, startedAt, { plannedAt, safeAt: plannedAt }, nothing);

  const replaced = planned.databases.filter(({ standing }) => standing.ofSet !== undefined);
  const isChange = to === undefined && (changes(plan) || replaced.length > 0);
  const isSafe = isChange && options.safetyBackup !== false;
  const atStake = replaced.filter((database) => !database.plan.creates);
  const saved = ofSet.filter(({ name }) => atStake.some(({ standing }) => standing.ofSet?.name === name));
  const paths = replaced.flatMap(pathsOf);
  const safety = isSafe
    ? await takeSafetyBackup(vault, record, plan, set!, saved, paths, pool, task)
    : undefined;
  const safeAt = performance.now();
  const { databases } = planned;
  const ids = { set: record.set, backup: record.id, restoreId };
  const undo = isChange ? undoOf(vault.id, record, safety, plan, paths) : undefined;
  const context = { vault, home, ...ids, databases, over, lock, pool, disk, undo };
  const phases = await applyRestore(plan.targets, context, task);
  const extractedAt = performance.now();
  await extractDatabases(extracts, task);
  const load = phases.load + Math.round(performance.now() - extractedAt);
  const measured = { ...phases, load };
  if (disk === undefined && options.isDrill !== true) {
    const names = new Set(selected.map(({ name }) => name));
    const { replace, unchanged } = plan.counts;
    const isAll = record.sources.every(({ type, name }) => type !== 'database' || names.has(name));
    const isNew = replace + unchanged === 0;
    const isWhole = options.selected === undefined && isAll && isNew && plan.skipped.count === 0;
    measureRecovery(home, vault.id, record, {
      plan,
      names,
      isWhole,
      phases: measured,
      startedAt,
      plannedAt,
      safeAt,
    });
  }
  return report(all, safety?.id ?? null, true, startedAt, { plannedAt, safeAt }, measured);
}

/** Whether threads will be needed whatever the plan says: they start while it is made. */
function isMuchSurelyNew(
  places: readonly RestorePlace[],
  selected: readonly SelectedPath[] | undefined,
): boolean {
  const isNew = ({ directory, source }: RestorePlace): boolean =>
    source.bytes > MUCH_BYTES && lookAt(directory) === undefined;
  return selected === undefined && places.some(isNew);
}

function nextOf(
  { home, set, safetyBackup = true, secret, disk, onInterrupted }: AllOptions,
  directories: readonly string[],
  databases: readonly SelectedDatabase[],
): Parameters<typeof endInterrupted>[1] {
  const live = set && { ...set, databases: set.databases ?? [] };
  return { home, directories, databases, set: live, safetyBackup, secret, disk, onInterrupted };
}

/** The paths in the safety backup of what a restored database replaces. */
function pathsOf({ selected: { name, tables }, standing: { ofSet } }: PlannedDatabase): SelectedPath[] {
  // In another database tables may be called otherwise.
  const below = ofSet?.name === name ? tables?.map((table) => `/${table}`) : undefined;
  return (below ?? ['']).map((path) => ({
    path: `databases/${ofSet?.name ?? name}${path}`,
    recursive: true,
  }));
}

function report(
  plan: RestorePlan & { readonly databases: readonly RestoredDatabase[] },
  safetyBackup: string | null,
  verified: boolean,
  startedAt: number,
  { plannedAt, safeAt }: { plannedAt: number; safeAt: number },
  phases: Omit<RestoreReport['phases'], 'plan' | 'safety'>,
): RestoreReport {
  const { create, replace, delete: removed, unchanged, adjusted, bytes } = plan.counts;
  return {
    plan: { create, replace, delete: removed, unchanged, tables: plan.databases, adjusted, bytes },
    problems: plan.skipped.listed,
    skipped: plan.skipped.count,
    notDeleted: plan.notDeleted,
    safetyBackup,
    verified,
    durationMs: Math.round(performance.now() - startedAt),
    phases: {
      plan: Math.round(plannedAt - startedAt),
      safety: Math.round(safeAt - plannedAt),
      ...phases,
    },
  };
}

function selectedPaths(
  paths: readonly string[],
  named: readonly DatabaseChoice[],
): SelectedPath[] | undefined {
  const plain = paths.map((path) => path.replace(/\/+$/, ''));
  const all = withNamed(plain, named);
  return all.length === 0 ? undefined : all.map((path) => ({ path, recursive: true }));
}

function changes(plan: RestorePlan): boolean {
  return plan.targets.some((target) => changesAnything(target.plan));
}

function mustBeFree(plan: RestorePlan, to: string, overwrite: boolean): void {
  const { replace, delete: removed } = plan.counts;
  if (overwrite || replace + removed === 0) return;
  throw new RestoreError(
    'target-not-empty',
    `${to} holds ${replace + removed} other files where the backup goes.`,
    {
      hint: 'Nothing was changed. Restore to an empty folder, or replace them with --overwrite.',
    },
  );
}
