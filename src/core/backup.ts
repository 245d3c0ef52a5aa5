import { backUpRoot, ENTRIES_HERE } from './backup/files.ts';
import { beginScan, type RootJob, type RootResult, type RootSink } from './backup/root-job.ts';
import type { AheadScan } from './backup/scan-ahead.ts';
import type { Tally } from './backup/tally.ts';
import { type BackedUpDatabase, type BackupDatabase, freezeDatabases } from './backup/databases.ts';
import { chooseKind, FULL_EVERY_DAYS, type KindChoice } from './backup/base.ts';
import { ProblemList } from './backup/problem-list.ts';
import { CrmBackupError } from './errors.ts';
import { readGitState } from './git-state.ts';
import { latestOf } from './latest.ts';
import { type MovedRoot, movedRoots } from './moved-roots.ts';
import type { Problem } from './problem.ts';
import { SourceError } from './source/error.ts';
import { StorageError } from './storage/storage.ts';
import { type Task, throwIfCancelled } from './task.ts';
import { lockForReading, lockVault } from './vault/lock.ts';
import { comparePaths } from './vault/order.ts';
import type {
  BackupBytes,
  BackupKind,
  BackupRecord,
  ChangeCounts,
  RecordContent,
  RecordedSource,
} from './vault/record.ts';
import type { Vault } from './vault/vault.ts';
import { ChunkWriter, type WrittenBytes } from './vault/writer.ts';
import { WorkerPool } from './worker/pool.ts';

/** A file root of a set, ready to be read. */
export interface BackupRoot {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** What a backup reads: a set with its variables resolved. */
export interface BackupSources {
  readonly name: string;
  /** The folder the user works in, whose git state is recorded. */
  readonly workspace?: string | undefined;
  readonly roots: readonly BackupRoot[];
  readonly databases: readonly BackupDatabase[];
  /** Days after which `auto` takes a new full backup; 7 by default. */
  readonly fullEvery?: number | undefined;
}

export interface BackupOptions {
  readonly kind: BackupKind | 'auto';
  readonly label?: string | undefined;
  readonly pinned?: boolean | undefined;
  /** Taken by itself before something dangerous. */
  readonly safety?: boolean | undefined;
  /** False leaves the set's databases out. */
  readonly databases?: boolean | undefined;
  /** Reads and compares everything, stores nothing; the record that comes back has no id. */
  readonly dryRun?: boolean | undefined;
  /** Is told every problem, also those that the record only counts. */
  readonly onProblem?: ((problem: Problem) => void) | undefined;
  /** Is told the ids of the packs it has written. */
  readonly onStored?: ((packs: ReadonlySet<string>) => void) | undefined;
  /** Is told the roots that are somewhere else than in the set's latest backup, when there are any. */
  readonly onMoved?: ((moved: readonly MovedRoot[]) => void) | undefined;
}

const WAIT_FOR_LOCK_MS = 10_000;
const SWEEP_AGE_MS = 24 * 60 * 60 * 1000;
const NO_CHANGES: ChangeCounts = { total: 0, added: 0, modified: 0, deleted: 0, unchanged: 0 };

/**
 * Takes one backup of a set. It exists from the moment its record is written, which is the last step; a backup that is
 * cancelled, fails or is killed before leaves nothing visible, and what it stored is used by the next one.
 * @throws {CancelledError}
 * @throws {SourceError} `nothing-to-back-up` when no source has a single entry.
 * @throws {VaultError} `locked`, or `damaged` when the vault cannot be read.
 * @throws {StorageError} when the vault's disk is full or gone; finished backups are safe.
 */
export async function backUp(
  vault: Vault,
  sources: BackupSources,
  options: BackupOptions,
  task: Task = {},
): Promise<BackupRecord> {
  throwIfCancelled(task);
  const asked = { purpose: 'a backup', waitMs: WAIT_FOR_LOCK_MS };
  await using lock = await (options.dryRun
    ? lockForReading(vault.storage, asked, task)
    : lockVault(vault.storage, 'shared', asked, task));
  const clock = new PhaseClock();
  if (!options.dryRun) await vault.storage.sweep(SWEEP_AGE_MS);
  const records = (await vault.records()).records.filter((record) => record.set === sources.name);
  const startedAt = startAfter(records[0], new Date());
  const latest = latestOf(records);
  const moved = latest === undefined ? [] : movedRoots(latest, sources.roots);
  if (moved.length > 0) options.onMoved?.(moved);
  // Read beside the files: it never fails, and ends with the task.
  const git = sources.workspace === undefined ? undefined : readGitState(sources.workspace, task.signal);
  const choice = chooseKind(records, options.kind, sources.fullEvery ?? FULL_EVERY_DAYS, startedAt);
  clock.end('prepare');

  const problems = new ProblemList();
  const report = (problem: Problem): void => {
    problems.add(problem);
    options.onProblem?.(problem);
  };
  // First the moment of the databases, then the files: what is uploaded in between is in no row yet.
  const databases = options.databases === false ? [] : sources.databases;
  await using frozen = await freezeDatabases(databases, report, task);
  clock.end('connect');

  const roots = rootJobs(sources, choice);
  const isMuch = (choice.previous?.files.total ?? Infinity) > ENTRIES_HERE;
  // The index is read beside it.
  await using begun = isMuch && roots[0] !== undefined ? beginScan(roots[0], vault, task) : undefined;
  const { index, adopted } = await vault.writableIndex();

  await using pool = new WorkerPool();
  const writer = new ChunkWriter(
    vault,
    index,
    pool,
    { selfContained: choice.kind === 'full', dryRun: options.dryRun ?? false },
    adopted,
  );
  try {
    const sink: RootSink = {
      writer,
      chunker: vault.chunker,
      keys: vault.keys,
      readManifestChunk: async (id) => {
        try {
          return await vault.reader.readChunk(id, index);
        } catch (error) {
          if (!(error instanceof CrmBackupError)) throw error;
          report(baseDamaged(error as CrmBackupError));
          // What is listed there again is stored again.
          index.distrust(id);
          return Buffer.alloc(0);
        }
      },
      report,
    };
    const { previous } = choice;
    const [results, dumped] = await bothOrNone(
      async (each) => backUpAll(roots, sink, each, begun),
      async (each) => frozen.dump({ ...sink, vault, previous, startedAt }, each),
      task,
    );
    const isEmpty = results.every((result) => result.tally.total === 0 && result.segment.entries <= 1);
    if (isEmpty && dumped.length === 0) throw nothingToBackUp(sources, problems.listed);
    const all = [...dumped, ...results];
    clock.end('read');
    task.progress?.({ phase: 'store', done: 0, unit: 'bytes' });
    await writer.finish();
    clock.end('store');
    throwIfCancelled(task);
    const content: RecordContent = {
      format: 1,
      set: sources.name,
      kind: choice.kind,
      base: choice.base?.id,
      createdAt: startedAt.toISOString(),
      durationMs: clock.totalMs,
      status: problems.isIncomplete ? 'partial' : 'complete',
      label: options.label,
      pinned: options.pinned ?? false,
      safety: options.safety ?? false,
      sources: [
        ...dumped.map(recordedDatabase),
        ...roots.map(({ root }, at) => recordedSource(root, results[at]!)),
      ],
      files: sumTallies(results.map((result) => result.tally)),
      tables: sumTallies(dumped.map((database) => database.tally)),
      bytes: bytesOf(all, writer.written),
      phases: clock.phases,
      problems: problems.listed,
      moreProblems: problems.more,
      git: await git,
      manifest: all.map((result) => result.segment),
    };
    if (options.dryRun) return { ...content, id: '', verifiedAt: undefined };
    await lock.assertHeld();
    const record = await vault.commit(content);
    vault.forgetIndex();
    await vault.noteDamageMet();
    options.onStored?.(writer.packs);
    return record;
  } catch (error) {
    throw withWayToFreeSpace(error);
  } finally {
    await writer.settle();
  }
}

/** What a backup wrote in vain is gone again, which leaves room for the little that a prune writes. */
function withWayToFreeSpace(error: unknown): unknown {
  if (!(error instanceof StorageError) || error.code !== 'no-space') return error;
  return new StorageError('no-space', error.message, {
    cause: error,
    hint: 'Free some space there, for example with “crm-backup prune”, and try again; finished backups are safe.',
  });
}

/** Reads files and databases at once; when one of them fails, the other is stopped before the failure is thrown. */
async function bothOrNone<A, B>(
  first: (task: Task) => Promise<A>,
  second: (task: Task) => Promise<B>,
  { signal, progress, pace }: Task,
): Promise<[A, B]> {
  const stop = new AbortController();
  const task: Task = {
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    progress,
    pace,
  };
  let failure: unknown;
  const watched = async <T>(work: (task: Task) => Promise<T>): Promise<T> => {
    try {
      return await work(task);
    } catch (error) {
      failure ??= error;
      stop.abort();
      throw error;
    }
  };
  const [a, b] = await Promise.allSettled([watched(first), watched(second)]);
  if (a.status === 'rejected' || b.status === 'rejected') throw failure;
  return [a.value, b.value];
}

async function backUpAll(
  jobs: readonly RootJob[],
  sink: RootSink,
  task: Task,
  begun: AheadScan | undefined,
): Promise<RootResult[]> {
  const results: RootResult[] = [];
  for (const [at, job] of jobs.entries()) {
    results.push(await backUpRoot(job, sink, task, at === 0 ? begun : undefined));
  }
  return results;
}

/** What to do of every root, in the order of the manifest. */
function rootJobs({ roots }: BackupSources, { base, previous }: KindChoice): RootJob[] {
  const sorted = [...roots].sort((a, b) => comparePaths(a.name, b.name));
  return sorted.map((root) => ({
    root,
    previous: previous?.manifest.find((segment) => segment.root === `files/${root.name}`),
    baseStartedAtNs: base === undefined ? undefined : BigInt(Date.parse(base.createdAt)) * 1_000_000n,
    expectedFiles: previous?.files.total,
  }));
}

/** Backups of a set are told apart by their time: one that starts within the same millisecond counts as the next. */
function startAfter(latest: BackupRecord | undefined, now: Date): Date {
  const behindMs = latest === undefined ? -1 : Date.parse(latest.createdAt) - now.getTime();
  return behindMs >= 0 && behindMs < 1000 ? new Date(now.getTime() + behindMs + 1) : now;
}

/** What the vault has lost of an older backup must not stop a new one: the files it listed are read again. */
function baseDamaged(error: CrmBackupError): Problem {
  return {
    code: 'base-damaged',
    path: '',
    message: `A part of the list of the backup before cannot be read; what it named is read again and counts as added: ${error.message}`,
    incomplete: false,
  };
}

function nothingToBackUp(sources: BackupSources, problems: readonly Problem[]): SourceError {
  const first = problems.find((problem) => problem.incomplete);
  const why = first === undefined ? 'its folders hold nothing that its rules include' : first.message;
  return new SourceError('nothing-to-back-up', `Set “${sources.name}” has nothing to back up: ${why}`, {
    hint: 'Check “files” in .vscode/crm-backup.json: the folders, “include” and “exclude”.',
  });
}

function recordedSource(root: BackupRoot, result: RootResult): RecordedSource {
  return {
    type: 'files',
    name: root.name,
    directory: root.directory,
    include: root.include,
    exclude: root.exclude,
    entries: result.segment.entries,
    bytes: result.tally.sourceBytes,
  };
}

function recordedDatabase({ name, segment, tally }: BackedUpDatabase): RecordedSource {
  const { entries } = segment;
  return {
    type: 'database',
    name,
    directory: '',
    include: [],
    exclude: [],
    entries,
    bytes: tally.sourceBytes,
  };
}

function sumTallies(tallies: readonly Tally[]): ChangeCounts {
  const sum = { ...NO_CHANGES };
  for (const tally of tallies) {
    for (const key of ['total', 'added', 'modified', 'deleted', 'unchanged'] as const) sum[key] += tally[key];
  }
  return sum;
}

function bytesOf(results: readonly { readonly tally: Tally }[], written: WrittenBytes): BackupBytes {
  const sum = (key: 'sourceBytes' | 'readBytes'): number =>
    results.reduce((total, result) => total + result.tally[key], 0);
  return { source: sum('sourceBytes'), read: sum('readBytes'), new: written.new, stored: written.stored };
}

/** Measures consecutive phases in milliseconds. */
class PhaseClock {
  readonly phases: Record<string, number> = {};
  readonly #startedAt = performance.now();
  #phaseAt = this.#startedAt;

  end(phase: string): void {
    const now = performance.now();
    this.phases[phase] = Math.round(now - this.#phaseAt);
    this.#phaseAt = now;
  }

  get totalMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }
}
