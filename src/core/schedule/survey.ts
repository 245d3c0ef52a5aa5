import { CrmBackupError } from '../errors.ts';
import { latestOf } from '../latest.ts';
import { type OpenedWorkspace, openVault, openWorkspace, placeSet } from '../open.ts';
import type { BackupSet } from '../set/definition.ts';
import { homeOf, type Surroundings } from '../surroundings.ts';
import type { BackupRecord } from '../vault/record.ts';
import { type Job, jobsOf, type JobPast, type JobPlan, planJob } from './job.ts';
import { offPeakWait } from './off-peak.ts';
import { type JobState, readSchedule, type RunStatus } from './state.ts';

/** A job of a workspace and how it stands. */
export interface ScheduledJob {
  readonly workspace: string;
  readonly job: Job;
  readonly past: JobPast;
  readonly plan: JobPlan;
  readonly state: JobState | undefined;
  /** Whether its time of day lies outside the off-peak hours, so that it always waits until they begin. */
  readonly waitsForOffPeak: boolean;
}

/** One line of a schedule as it is told. Times are ISO 8601 UTC. */
export interface ListedJob {
  readonly workspace: string;
  readonly set: string;
  readonly kind: Job['kind'];
  /** As the set file has it. */
  readonly every: string;
  readonly on: string | number | null;
  readonly at: string | null;
  readonly nextRun: string;
  readonly lastRun: string | null;
  readonly lastStatus: RunStatus | null;
  /** Why the last run did not end well. */
  readonly message: string | null;
  /** Whether its time of day lies outside the off-peak hours, so that it always waits until they begin. */
  readonly waitsForOffPeak: boolean;
}

/**
 * The jobs of all sets of a workspace and when each is done next. Changes nothing.
 * @throws {SetError} what {@link openWorkspace} throws.
 */
export async function surveyJobs(
  workspace: string,
  surroundings: Surroundings,
  now: Date,
): Promise<ScheduledJob[]> {
  const opened = await openWorkspace(workspace, surroundings);
  const { directory, sets } = opened;
  const home = homeOf(surroundings);
  const all: ScheduledJob[] = [];
  for (const set of sets) {
    all.push(...(await surveySet(directory, set, home, latestBackups(opened, set, surroundings), now)));
  }
  return all;
}

/**
 * The jobs of one set and when each is done next. Changes nothing.
 * @param latest its backups, newest first; asked for only where nothing is remembered of a job
 */
export async function surveySet(
  workspace: string,
  set: BackupSet,
  home: string,
  latest: () => Promise<readonly BackupRecord[]>,
  now: Date,
): Promise<ScheduledJob[]> {
  const jobs = jobsOf(set);
  const states = jobs.length === 0 ? [] : readSchedule(home, workspace).jobs;
  const surveyed: ScheduledJob[] = [];
  for (const job of jobs) {
    const state = states.find(({ set: name, key }) => name === job.set && key === job.key);
    const past = await pastOf(job, state, latest, now);
    const plan = planJob(job, past, set.offPeak, now);
    const wait = offPeakWait(set.offPeak, { ...job.recurrence, anyTime: job.anyTime });
    const waitsForOffPeak = wait !== undefined;
    surveyed.push({ workspace, job, past, plan, state, waitsForOffPeak });
  }
  return surveyed;
}

/** A job as `schedule list` tells it. */
export function listed({ workspace, job, plan, state, waitsForOffPeak }: ScheduledJob): ListedJob {
  const { every, on, at } = job.recurrence;
  return {
    workspace,
    set: job.set,
    kind: job.kind,
    every,
    on: on ?? null,
    at: at ?? null,
    nextRun: plan.nextRun.toISOString(),
    lastRun: state?.lastRun ?? null,
    lastStatus: state?.lastStatus ?? null,
    message: state?.message ?? null,
    waitsForOffPeak,
  };
}

/**
 * What a job that never ran has behind it: backups that were taken by hand. A drill or a verification waits for its
 * first time.
 */
async function pastOf(
  job: Job,
  state: JobState | undefined,
  latest: () => Promise<readonly BackupRecord[]>,
  now: Date,
): Promise<JobPast> {
  const retryAt = state?.retryAt === undefined ? undefined : new Date(state.retryAt);
  if (state?.dealtWithUntil !== undefined) return { dealtWithUntil: new Date(state.dealtWithUntil), retryAt };
  if (job.kind === 'drill' || job.kind === 'verify') return { dealtWithUntil: now, retryAt };
  const records = await latest();
  const record = latestOf(job.kind === 'full' ? records.filter(({ kind }) => kind === 'full') : records);
  return { dealtWithUntil: record === undefined ? undefined : new Date(record.createdAt), retryAt };
}

/** The backups of a set, read on first need; none where the vault cannot be opened: running it will say why. */
function latestBackups(
  workspace: OpenedWorkspace,
  set: BackupSet,
  surroundings: Surroundings,
): () => Promise<readonly BackupRecord[]> {
  let found: Promise<readonly BackupRecord[]> | undefined;
  const look = async (): Promise<readonly BackupRecord[]> => {
    try {
      const placed = await placeSet(workspace, set, undefined, surroundings);
      const vault = await openVault(placed.vaultDirectory, undefined, surroundings);
      return (await vault.records()).records.filter((record) => record.set === set.name);
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      return [];
    }
  };
  return async () => (found ??= look());
}
