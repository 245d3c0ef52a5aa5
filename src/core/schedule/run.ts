import { CancelledError, CrmBackupError, mistakeSentence } from '../errors.ts';
import { InUseError } from '../live-lock.ts';
import { openVault, openWorkspace, placeSet } from '../open.ts';
import { SetError } from '../set/error.ts';
import type { BackupSet } from '../set/definition.ts';
import { LocalStorage } from '../storage/local.ts';
import { homeOf, type Surroundings } from '../surroundings.ts';
import type { Task } from '../task.ts';
import { VaultError } from '../vault/error.ts';
import { lockVault } from '../vault/lock.ts';
import { paced } from '../gentle/pace.ts';
import { impedimentOf } from './impediment.ts';
import { type Job, LONGEST_RETRY_MS } from './job.ts';
import { carryOut, type Carried } from './carry-out.ts';
import { isOffPeak } from './off-peak.ts';
import {
  type JobState,
  readSchedule,
  type RunStatus,
  scheduleFolder,
  type ScheduleState,
  writeSchedule,
} from './state.ts';
import { type ScheduledJob, surveyJobs } from './survey.ts';

/** What came of something that was due. */
export interface ScheduledRun {
  readonly workspace: string;
  /** Undefined when it is about the whole workspace. */
  readonly set: string | undefined;
  readonly kind: Job['kind'] | undefined;
  readonly status: RunStatus;
  /** When it began, ISO 8601 UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Id of the backup that was taken or rehearsed. */
  readonly backup: string | undefined;
  /** Why it did not go well, or was not done: one sentence. */
  readonly message: string | undefined;
  readonly hint: string | undefined;
  /** Code of the failure. */
  readonly code: string | undefined;
}

const FIRST_RETRY_MS = 15 * 60_000;
/** Two schedulers that start in the same moment: one waits so long for the other to show that it is the first. */
const WAIT_FOR_LOCK_MS = 2_000;
/** Of several backups that are due together one is taken, the one that reads the most. */
const WEIGHT: Readonly<Record<Job['kind'], number>> = {
  full: 4,
  differential: 3,
  auto: 2,
  incremental: 1,
  verify: 0,
  drill: 0,
};

/** What came of looking for what is due. */
export interface DueRuns {
  readonly runs: readonly ScheduledRun[];
  /** Sentences worth knowing: a clock that was set back, a set that is not there any more. */
  readonly notices: readonly string[];
}

/**
 * Does what is due now in a workspace, one after the other. Of two processes that call this at once one does the work;
 * the other finds nothing due, or steps aside. What fails is told, not thrown, and tried again later.
 * @param onlySet the set whose jobs are done; by default those of all sets
 * @throws {CancelledError} what was done by then is done, the rest stays due.
 */
export async function runDue(
  workspace: string,
  surroundings: Surroundings,
  task: Task,
  onlySet?: string,
): Promise<DueRuns> {
  const isToDo = ({ job, plan }: ScheduledJob): boolean =>
    plan.isDue && (onlySet === undefined || job.set === onlySet);
  const home = homeOf(surroundings);
  const startedAt = new Date();
  const nothing: DueRuns = { runs: [], notices: [] };
  try {
    const before = await surveyJobs(workspace, surroundings, startedAt);
    const { directory, sets } = await openWorkspace(workspace, surroundings);
    const removedSets = (): string[] => rememberedWithout(readSchedule(home, directory), sets);
    const isNothingToDo =
      !before.some(isToDo) && remembered(before, startedAt) === undefined && removedSets().length === 0;
    if (isNothingToDo) return nothing;
    await using lock = await lockSchedule(home, directory, task);
    if (lock === undefined) return nothing;
    // Who had the lock before may have done it all.
    const now = new Date();
    const jobs = await surveyJobs(workspace, surroundings, now);
    const removed = removedSets();
    const notices = [
      ...(jobs.some((job) => isAhead(job, now)) ? [setBack(directory)] : []),
      ...removed.map((name) => `${isGone(name)} ${BACKUPS_STAY}`),
    ];
    const state = readSchedule(home, directory);
    const stillThere = state.jobs.filter(({ set }) => !removed.includes(set));
    const known = remembered(jobs, now) ?? (removed.length === 0 ? undefined : stillThere);
    if (known !== undefined) writeSchedule(home, { ...state, jobs: known });
    return {
      runs: await runAll(jobs.filter(isToDo), surroundings, task),
      notices,
    };
  } catch (error) {
    if (!(error instanceof CrmBackupError) || error instanceof CancelledError) throw error;
    return {
      runs: [failed(workspace, undefined, undefined, startedAt, error)],
      notices: [],
    };
  }
}

/** Whether the clock was set back behind what a job has done. */
function isAhead({ past }: ScheduledJob, now: Date): boolean {
  return past.dealtWithUntil !== undefined && past.dealtWithUntil > now;
}

function setBack(workspace: string): string {
  return `The clock was set back behind the last scheduled run in ${workspace}; schedules count from now on.`;
}

const BACKUPS_STAY = 'Its backups are kept.';

function isGone(set: string): string {
  return `Set “${set}” is not in the set file any more, so nothing is done for it.`;
}

/** The sets that something is remembered of and that the set file has no more: told once, then forgotten. */
function rememberedWithout({ jobs }: ScheduleState, sets: readonly { readonly name: string }[]): string[] {
  const names = new Set(sets.map(({ name }) => name));
  return [...new Set(jobs.map(({ set }) => set))].filter((name) => !names.has(name));
}

async function lockSchedule(
  home: string,
  workspace: string,
  task: Task,
): Promise<AsyncDisposable | undefined> {
  const storage = new LocalStorage(scheduleFolder(home, workspace));
  try {
    return await lockVault(
      storage,
      'exclusive',
      { purpose: 'scheduled work', waitMs: WAIT_FOR_LOCK_MS },
      task,
    );
  } catch (error) {
    if (error instanceof VaultError && error.code === 'locked') return undefined;
    throw error;
  }
}

/**
 * What has to be known later: from when on jobs count that never ran, and those that ran in what is the future since the
 * clock was set back. Jobs that the set file has no more are forgotten. Undefined when all of that is known.
 */
function remembered(jobs: readonly ScheduledJob[], now: Date): JobState[] | undefined {
  const until = (scheduled: ScheduledJob): string | undefined =>
    (isAhead(scheduled, now) ? now : scheduled.past.dealtWithUntil)?.toISOString();
  if (jobs.every((scheduled) => until(scheduled) === scheduled.state?.dealtWithUntil)) return undefined;
  return jobs.flatMap((scheduled) => {
    const { job, state } = scheduled;
    const dealtWithUntil = until(scheduled);
    const isNothing = state === undefined && dealtWithUntil === undefined;
    return isNothing ? [] : [{ ...state, set: job.set, key: job.key, dealtWithUntil }];
  });
}

async function runAll(
  due: readonly ScheduledJob[],
  surroundings: Surroundings,
  task: Task,
): Promise<ScheduledRun[]> {
  const runs: ScheduledRun[] = [];
  const names = new Set(due.map(({ job }) => job.set));
  for (const name of names) {
    const ofSet = due
      .filter(({ job }) => job.set === name)
      .sort((a, b) => WEIGHT[b.job.kind] - WEIGHT[a.job.kind]);
    const backups = ofSet.filter(({ job }) => WEIGHT[job.kind] > 0);
    if (backups.length > 0) runs.push(await runTogether(backups, surroundings, task));
    for (const one of ofSet.filter(({ job }) => WEIGHT[job.kind] === 0)) {
      runs.push(await runTogether([one], surroundings, task));
    }
  }
  return runs;
}

/** Does the first of some jobs of a set, which stands for all of them. */
async function runTogether(
  jobs: readonly ScheduledJob[],
  surroundings: Surroundings,
  task: Task,
): Promise<ScheduledRun> {
  const { workspace, job } = jobs[0]!;
  const home = homeOf(surroundings);
  const startedAt = new Date();
  const run = await runOne(workspace, job, startedAt, surroundings, task);
  const { jobs: states, ...rest } = readSchedule(home, workspace);
  const keys = new Set(jobs.map((each) => each.job.key));
  const others = states.filter(({ set, key }) => set !== job.set || !keys.has(key));
  const after = jobs.map((each) => stateAfter(each, run, startedAt));
  writeSchedule(home, { ...rest, jobs: [...others, ...after] });
  return run;
}

async function runOne(
  workspace: string,
  job: Job,
  startedAt: Date,
  surroundings: Surroundings,
  task: Task,
): Promise<ScheduledRun> {
  try {
    const opened = await openWorkspace(workspace, surroundings);
    const set = setNamed(opened.sets, job.set);
    const placed = await placeSet(opened, set, undefined, surroundings);
    const vault = await openVault(placed.vaultDirectory, undefined, surroundings);
    const impediment = await impedimentOf(vault, homeOf(surroundings), set.gentle ?? {});
    if (impediment !== undefined)
      return told(workspace, job, startedAt, { status: 'skipped', message: impediment });
    return told(
      workspace,
      job,
      startedAt,
      await carryOut(job, placed, vault, surroundings, gently(set, job, task)),
    );
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    if (error instanceof InUseError)
      return told(workspace, job, startedAt, { status: 'skipped', message: error.message });
    return failed(workspace, job.set, job.kind, startedAt, error);
  }
}

/** So many bytes a second are read at most when the off-peak hours are over. */
const PEAK_BYTES_A_SECOND = 4_000_000;

/** No faster than the set allows, and slow when the off-peak hours end while it runs. */
function gently({ gentle, offPeak }: BackupSet, { anyTime }: Job, task: Task): Task {
  const most = gentle?.maxRate === undefined ? undefined : gentle.maxRate * 1_000_000;
  return paced(task, () => {
    if (anyTime || isOffPeak(offPeak, new Date())) return most;
    return Math.min(most ?? PEAK_BYTES_A_SECOND, PEAK_BYTES_A_SECOND);
  });
}

function setNamed(sets: readonly BackupSet[], name: string): BackupSet {
  const set = sets.find((each) => each.name === name);
  if (set !== undefined) return set;
  throw new SetError('unknown-set', isGone(name), { hint: BACKUPS_STAY });
}

function stateAfter({ job, state }: ScheduledJob, run: ScheduledRun, startedAt: Date): JobState {
  const known = { set: job.set, key: job.key };
  const at = startedAt.toISOString();
  if (run.status === 'skipped') {
    const hasFailed = state?.lastStatus === 'failed' || state?.lastStatus === 'hook-failed';
    return { ...state, ...known, ...(hasFailed ? {} : { message: run.message }) };
  }
  const lastEnd = new Date(startedAt.getTime() + run.durationMs).toISOString();
  const ended = { ...known, lastRun: at, lastEnd, lastStatus: run.status, message: run.message };
  const failingSince = (state?.lastStatus === run.status ? state.failingSince : undefined) ?? at;
  if (run.status === 'hook-failed') return { ...ended, dealtWithUntil: at, failingSince };
  if (run.status !== 'failed') return { ...ended, dealtWithUntil: at };
  const failures = (state?.failures ?? 0) + 1;
  const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
  const retryAt = new Date(startedAt.getTime() + waitMs).toISOString();
  return { ...ended, dealtWithUntil: state?.dealtWithUntil, failures, failingSince, retryAt };
}

function told(workspace: string, job: Job, startedAt: Date, carried: Carried): ScheduledRun {
  return {
    workspace,
    set: job.set,
    kind: job.kind,
    status: carried.status,
    startedAt: startedAt.toISOString(),
    durationMs: Math.max(0, Date.now() - startedAt.getTime()),
    backup: carried.backup,
    message: carried.message,
    hint: carried.hint,
    code: carried.code,
  };
}

function failed(
  workspace: string,
  set: string | undefined,
  kind: Job['kind'] | undefined,
  startedAt: Date,
  error: unknown,
): ScheduledRun {
  // A mistake of our own is remembered like any failure: else it would be made again each minute.
  const { message, hint, code } =
    error instanceof CrmBackupError ? (error as CrmBackupError) : mistake(error);
  const durationMs = Math.max(0, Date.now() - startedAt.getTime());
  const at = startedAt.toISOString();
  return {
    workspace,
    set,
    kind,
    status: 'failed',
    startedAt: at,
    durationMs,
    backup: undefined,
    message,
    hint,
    code,
  };
}

function mistake(error: unknown): Pick<CrmBackupError, 'message' | 'hint' | 'code'> {
  return {
    code: 'internal',
    message: mistakeSentence(error),
    hint: 'This is a mistake in CRM Backup; please report it.',
  };
}
