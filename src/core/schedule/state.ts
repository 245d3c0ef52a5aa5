import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { oneSpelling } from '../real-folder.ts';
import { replaceFile } from '../replace-file.ts';

/**
 * How a scheduled run ended. `skipped`: it was not the moment, and is tried again. `hook-failed`: the backup is there, but
 * the command after it failed; it is not taken again for that.
 */
export type RunStatus = 'done' | 'partial' | 'damaged' | 'failed' | 'hook-failed' | 'skipped';

/** What is remembered of a job. Times are ISO 8601 UTC. */
export interface JobState {
  readonly set: string;
  /** As the job's own. */
  readonly key: string;
  /** Its times up to this moment are dealt with. */
  readonly dealtWithUntil?: string | undefined;
  readonly lastRun?: string | undefined;
  /** When that run ended. */
  readonly lastEnd?: string | undefined;
  readonly lastStatus?: RunStatus | undefined;
  /** Why the last run did not end well: one sentence. */
  readonly message?: string | undefined;
  /** How often it failed one after the other, and when it is tried again. */
  readonly failures?: number | undefined;
  /** The first of the runs that ended so one after the other, the last one included. */
  readonly failingSince?: string | undefined;
  readonly retryAt?: string | undefined;
}

/** What is remembered of a workspace's schedules. */
export interface ScheduleState {
  readonly version: 1;
  /** Absolute, in its one spelling. */
  readonly workspace: string;
  /** Whether the system's scheduler runs what is due here, whoever starts it. */
  readonly isHandedOver: boolean;
  /** The command line's bundle that it starts. */
  readonly script?: string | undefined;
  /** What runs it. */
  readonly executable?: string | undefined;
  readonly jobs: readonly JobState[];
}

const FILE = 'state.json';

/**
 * The folder with what is remembered of a workspace's schedules, however the workspace was named; its `locks/` says who
 * runs them now.
 */
export function scheduleFolder(home: string, workspace: string): string {
  const name = createHash('sha256').update(oneSpelling(workspace)).digest('hex').slice(0, 16);
  return join(home, 'schedules', name);
}

/** What is remembered of a workspace's schedules; nothing yet when there is nothing that can be read. */
export function readSchedule(home: string, workspace: string): ScheduleState {
  const state = readState(join(scheduleFolder(home, workspace), FILE));
  return state ?? { version: 1, workspace: oneSpelling(workspace), isHandedOver: false, jobs: [] };
}

/** Replaces what is remembered, all or nothing. */
export function writeSchedule(home: string, state: ScheduleState): void {
  replaceFile(join(scheduleFolder(home, state.workspace), FILE), JSON.stringify(state));
}

/** The workspaces whose schedules the system's scheduler runs, in their one spelling and the order of their names. */
export function handedOverWorkspaces(home: string): string[] {
  // A folder may have been moved since, and a link to it left.
  return [...new Set(handedOver(home).map(({ state }) => oneSpelling(state.workspace)))].sort();
}

/** Remembers that the system's scheduler does not run the schedules of a workspace any more. */
export function endHandover(home: string, workspace: string): void {
  for (const { file, state } of handedOver(home)) {
    if (oneSpelling(state.workspace) !== workspace) continue;
    replaceFile(file, JSON.stringify({ ...state, isHandedOver: false }));
  }
}

/** What is remembered of the workspaces whose schedules the system's scheduler runs. */
function handedOver(home: string): { readonly file: string; readonly state: ScheduleState }[] {
  let names: string[];
  try {
    names = readdirSync(join(home, 'schedules'));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const file = join(home, 'schedules', name, FILE);
    const state = readState(file);
    return state?.isHandedOver === true ? [{ file, state }] : [];
  });
}

function readState(file: string): ScheduleState | undefined {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as Partial<ScheduleState> | null;
    const isState = state?.version === 1 && typeof state.workspace === 'string' && Array.isArray(state.jobs);
    if (!isState) return undefined;
    const { jobs } = state as ScheduleState;
    return { ...(state as ScheduleState), jobs: jobs.filter(isJobState) };
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** Whether what stands in a file that others may have written to can be reckoned with. */
function isJobState(value: unknown): value is JobState {
  if (typeof value !== 'object' || value === null) return false;
  const { set, key, dealtWithUntil, lastRun, lastEnd, retryAt } = value as Partial<
    Record<keyof JobState, unknown>
  >;
  const areTimes = [dealtWithUntil, lastRun, lastEnd, retryAt].every(
    (time) => time === undefined || (typeof time === 'string' && !Number.isNaN(Date.parse(time))),
  );
  return typeof set === 'string' && typeof key === 'string' && areTimes;
}
