import { type Task, throwIfCancelled } from '../task.ts';
import type { VaultLock } from '../vault/lock.ts';
import type { Vault } from '../vault/vault.ts';
import { markHeapAtOnce } from '../worker/collector.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { DatabaseSwitcher } from './database-targets.ts';
import { type RestoreDisk, nodeDisk } from './disk.ts';
import { diskFailure, isSystemError } from './disk-failure.ts';
import { Journal } from './journal.ts';
import type { Switch, UndoNote } from './journal-entries.ts';
import { isSameLive, lookAt } from './live-tree.ts';
import { mergeRoots } from './merge-roots.ts';
import { buildDatabases, type PlannedDatabase } from './plan-databases.ts';
import { mustHaveRoom, type PreparedRoot, prepareRoots, type TargetRoot } from './prepare-root.ts';
import { discard, finish, takeBack } from './recover.ts';
import { changesAnything } from './root-plan.ts';
import { parentPath } from './selection.ts';
import { RootStage } from './stage-root.ts';
import { openStaging, type Staging } from './staging.ts';
import { isStamped } from './stamp.ts';
import { nothingYet, stampSwitch } from './stamp-switch.ts';
import { Switcher, targetChanged } from './switch.ts';
import { hasGnuTar, TarExtraction } from './tar-extraction.ts';
import { writeFiles } from './write-files.ts';
import { tellingSpared } from './unfinished.ts';
import { groupByFrame, suitsTar } from './write-jobs.ts';
import { type WriteContext, writeNewFiles, type WriteTimes } from './write-new-files.ts';

/** What is restored, as the journal has it. */
export interface ApplyContext {
  readonly vault: Vault;
  /** The folder with all the tool keeps for its user; journals are in it. */
  readonly home: string;
  readonly set: string;
  readonly backup: string;
  /** `newRestoreId`: the plans of databases know it already. */
  readonly restoreId: string;
  /** Databases that are restored with the files. */
  readonly databases?: readonly PlannedDatabase[] | undefined;
  /** What is changed, and the lock on it; none where nothing live is. */
  readonly over?: readonly string[] | undefined;
  readonly lock?: VaultLock | undefined;
  /** What taking it back is going to need; none where nothing live is changed. */
  readonly undo?: UndoNote | undefined;
  /** Threads to write files with. */
  readonly pool: WorkerPool;
  /** For tests: carries out every step, in this thread. */
  readonly disk?: RestoreDisk | undefined;
}

/** Milliseconds by phase, as the clock on the wall has them. */
export interface ApplyPhases {
  readonly fetch: number;
  readonly decode: number;
  readonly write: number;
  readonly verify: number;
  /** Building databases, their checks included. */
  readonly load: number;
  readonly switch: number;
}

/** So little is written before a thread has even started. */
const FEW_BYTES = 2 * 1024 * 1024;
const NO_PHASES: ApplyPhases = { fetch: 0, decode: 0, write: 0, verify: 0, load: 0, switch: 0 };

/**
 * Carries out the plans of all roots together: stages everything new beside its target, flushes it, and switches. Until
 * the switch a failure or a cancellation leaves the roots as they were; in it a failure takes everything back, and a
 * cancellation is not heard. Whatever happens to the process, {@link recoverRestores} brings the roots to one of both.
 *
 * @throws {CancelledError}; {RestoreError} `no-space`, `permission`, `locked`, `unfinished-restore`, `target-changed`,
 *   `unsupported-name`, `write-failed`, `check-failed`, `rollback-failed`; {VaultError} `missing-chunk`, `damaged`;
 *   {StorageError}.
 */
export async function applyRestore(
  targets: readonly TargetRoot[],
  context: ApplyContext,
  task: Task,
): Promise<ApplyPhases> {
  const changed = mergeRoots(targets.filter(({ plan }) => changesAnything(plan)));
  const databases = context.databases ?? [];
  if (changed.length === 0 && databases.length === 0) return NO_PHASES;
  const disk = context.disk ?? nodeDisk();
  const prepared = prepareRoots(changed);
  mustHaveRoom(prepared);
  const { home, set, backup, restoreId, over } = context;
  const roots = prepared.map((root) => root.journal);
  const content = { set, backup, roots, databases: databases.map((database) => database.journal), over };
  using journal = beginJournal(disk, home, content, restoreId);
  let phases: ApplyPhases;
  const switcherOf = (all: Switch): Switcher => new Switcher(disk, journal.header, all, journal.directory);
  let switchers = { files: switcherOf(nothingYet(prepared)), databases: new DatabaseSwitcher(databases) };
  const startedAt = performance.now();
  try {
    await buildDatabases(databases, task);
    const load = Math.round(performance.now() - startedAt);
    phases = { ...(await stage(prepared, journal, context, disk, task)), load };
    const all = stampSwitch(disk, prepared);
    mustBeAsPlanned(prepared);
    await context.lock?.assertHeld();
    throwIfCancelled(task);
    await journal.beginSwitch(all, context.undo);
    switchers = { ...switchers, files: switcherOf(all) };
  } catch (error) {
    if (journal.phase === 'planned') await discard(journal, disk, switchers).catch(() => undefined);
    throw diskFailure('prepare the restore', error);
  }
  const builtAt = performance.now();
  try {
    await switchers.files.forward(false, task);
    switchers.files.check();
    // A new database may lie in a folder that has just come with the files.
    if (databases.length > 0) journal.enter('loading');
    await switchers.databases.forward();
    journal.enter('switched');
  } catch (error) {
    await takeBack(journal, disk, switchers, error);
    throw tellingSpared(diskFailure('put the restored files in place', error), switchers.files);
  }
  const switchedAt = performance.now();
  try {
    await finish(journal, disk, switchers);
  } catch (error) {
    // All is in place; what could not be cleared away now is at the next start.
    if (!isSystemError(error)) throw error;
  }
  return { ...phases, switch: Math.round(switchedAt - builtAt) };
}

function beginJournal(
  disk: RestoreDisk,
  home: string,
  content: Parameters<typeof Journal.create>[2],
  restoreId: string,
): Journal {
  try {
    return Journal.create(disk, home, content, restoreId);
  } catch (error) {
    throw diskFailure(`begin a journal in ${home}`, error);
  }
}

async function stage(
  prepared: readonly PreparedRoot[],
  journal: Journal,
  context: ApplyContext,
  disk: RestoreDisk,
  task: Task,
): Promise<ApplyPhases> {
  const stages: RootStage[] = [];
  let umask = 0;
  for (const root of prepared) {
    for (const folder of root.journal.made) disk.makeDirectory(folder, 0o777);
    const { directory, before } = root.journal;
    if (root.marks.some((mark) => mark.path === '' && mark.unlock)) {
      disk.setMode(directory, (before?.mode ?? 0) | 0o700);
    }
    const { id } = journal.header;
    const staging: Staging = openStaging(disk, directory, { id, journal: journal.directory });
    umask |= staging.umask;
    const one = new RootStage(disk, root, staging);
    stages.push(one);
    await one.begin(task);
  }
  const startedAt = performance.now();
  const [content, light] = await Promise.allSettled([
    writeContent(stages, context, umask, task),
    makeLight(stages, task),
  ]);
  if (content.status === 'rejected') throw content.reason;
  if (light.status === 'rejected') throw light.reason;
  const { times, byTar } = content.value;
  const writtenAt = performance.now();
  for (const one of stages) await one.finish(byTar);
  const finishedAt = performance.now();
  throwIfCancelled(task);
  for (const [at, one] of stages.entries()) {
    const { directory } = prepared[at]!.journal;
    if (one.made.length > 0) await disk.flushAll(one.made, directory);
  }
  const share = (writtenAt - startedAt) / Math.max(1, times.fetchMs + times.decodeMs + times.writeMs);
  return {
    fetch: Math.round(times.fetchMs * share),
    decode: Math.round(times.decodeMs * share),
    write: Math.round(times.writeMs * share + finishedAt - writtenAt),
    verify: Math.round(performance.now() - finishedAt),
    load: 0,
    switch: 0,
  };
}

async function makeLight(stages: readonly RootStage[], task: Task): Promise<void> {
  for (const one of stages) await one.makeLight(task);
}

async function writeContent(
  stages: readonly RootStage[],
  { vault, pool, disk }: ApplyContext,
  umask: number,
  task: Task,
): Promise<{ times: WriteTimes; byTar: boolean }> {
  const { storage, keys, reader } = vault;
  const index = await vault.index();
  const files = stages.flatMap((one) => one.files);
  const runs = groupByFrame(files, index);
  const context = { storage, keys, reader, index, umask };
  if (disk !== undefined || runs.reduce((sum, run) => sum + run.bytes, 0) <= FEW_BYTES) {
    const here = disk ?? nodeDisk(umask);
    const write: WriteContext['write'] = async (job) => Promise.resolve(writeFiles(job, here));
    const times = await writeNewFiles(runs, { ...context, lanes: 1, tar: undefined, write }, task);
    return { times, byTar: false };
  }
  pool.start();
  markHeapAtOnce();
  const write: WriteContext['write'] = async (job, transfer) => pool.run('write', job, transfer);
  const isForTar = files.some(suitsTar);
  await using tar = isForTar && (await hasGnuTar()) ? new TarExtraction(stages[0]!.directory) : undefined;
  // What waits for tar to take it is memory lost.
  const lanes = tar === undefined ? pool.size * 2 : pool.size + 1;
  const times = await writeNewFiles(runs, { ...context, lanes, tar, write }, task);
  await tar?.end();
  return { times, byTar: tar !== undefined };
}

/** Between planning and switching somebody may have worked in the roots. */
function mustBeAsPlanned(prepared: readonly PreparedRoot[]): void {
  const refuse = (path: string): never => {
    throw targetChanged(path, 'Nothing was changed; run the restore again.');
  };
  for (const { target } of prepared) {
    const { directory, root, plan } = target;
    const ways = new Set<string>();
    for (const { path, live, before } of [...plan.placements, ...plan.removals]) {
      const place = `${directory}/${path}`;
      const now = lookAt(place);
      // What is in a directory goes with it.
      const isSame =
        isSameLive(now, live) && (now?.type !== 'directory' || isStamped(place, now, before!, true));
      if (!isSame) refuse(`${root}/${path}`);
      for (
        let way = parentPath(path);
        way !== undefined && way !== '' && !ways.has(way);
        way = parentPath(way)
      ) {
        if (lookAt(`${directory}/${way}`)?.type !== 'directory') refuse(`${root}/${way}`);
        ways.add(way);
      }
    }
    for (const { path, live } of plan.adjustments) {
      if (live !== undefined && !isSameLive(lookAt(path === '' ? directory : `${directory}/${path}`), live)) {
        refuse(`${root}/${path}`);
      }
    }
  }
}
