import { existsSync } from 'node:fs';
import { CrmBackupError } from '../errors.ts';
import { openWorkspace } from '../open.ts';
import type { BackupSet } from '../set/definition.ts';
import { oneSpelling } from '../real-folder.ts';
import { homeOf, type Surroundings } from '../surroundings.ts';
import { type Handover, install, uninstall } from './handover/install.ts';
import { dropProgram, isNewer, keepProgram, keptScript } from './handover/kept-program.ts';
import { programOf } from './handover/program.ts';
import {
  endHandover,
  handedOverWorkspaces,
  readSchedule,
  type ScheduleState,
  writeSchedule,
} from './state.ts';

/** The program that runs the command line. */
export interface Runtime {
  /** Absolute. */
  readonly executable: string;
  /** The command line's bundle, absolute. */
  readonly script: string;
  /** Whether the executable is VS Code's. */
  readonly isElectron: boolean;
  /** The version of the extension whose folder holds the bundle: an update takes that away, so a copy is kept. */
  readonly extensionVersion?: string | undefined;
}

/** What the system's scheduler does now. */
export interface HandedOver extends Handover {
  /** Whose schedules it runs. */
  readonly workspaces: readonly string[];
}

/**
 * Has the system's scheduler run the schedules of a workspace, besides those it has already. Calling it again brings it
 * up to date.
 * @throws {ScheduleError}, {SetError}
 */
export async function handOver(
  workspace: string | undefined,
  runtime: Runtime,
  surroundings: Surroundings,
): Promise<HandedOver> {
  const { directory } = await openWorkspace(workspace, surroundings);
  const before = handedOverWorkspaces(homeOf(surroundings));
  return handAllOver([...new Set([...before, oneSpelling(directory)])].sort(), runtime, surroundings);
}

/**
 * Brings what was handed over by an extension up to date after an update of it, or of the editor: the copy of the command
 * line where this one is newer, and what the scheduler starts where that is gone. Does nothing where nothing was handed over.
 * @returns whether something was out of date
 * @throws {ScheduleError} and what the file system throws
 */
export async function renewHandover(runtime: Runtime, surroundings: Surroundings): Promise<boolean> {
  const home = homeOf(surroundings);
  const workspaces = handedOverWorkspaces(home);
  const [first] = workspaces;
  const { script, extensionVersion: version } = runtime;
  if (first === undefined || version === undefined || !existsSync(script)) return false;
  const state = readSchedule(home, first);
  if (!isThere(state)) {
    await handAllOver(workspaces, runtime, surroundings);
    return true;
  }
  // Another command line, which whoever installed it keeps up to date.
  if (state.script !== keptScript(home) || !isNewer({ script, version }, home)) return false;
  keepProgram({ script, version }, home);
  return true;
}

async function handAllOver(
  workspaces: readonly string[],
  runtime: Runtime,
  surroundings: Surroundings,
): Promise<HandedOver> {
  const home = homeOf(surroundings);
  const { executable, isElectron, extensionVersion: version } = runtime;
  const script = version === undefined ? runtime.script : keepProgram({ ...runtime, version }, home);
  const times = await timesOf(workspaces, surroundings);
  const done = install(programOf(executable, script, isElectron, surroundings.env, times), surroundings);
  // There is one program for all of them.
  for (const each of workspaces)
    writeSchedule(home, { ...readSchedule(home, each), isHandedOver: true, script, executable });
  if (script !== keptScript(home)) dropProgram(home);
  return { ...done, workspaces };
}

/** Whether the system's scheduler runs the schedules of a workspace; not where what it starts is gone since. */
export function isHandedOver(workspace: string, surroundings: Surroundings): boolean {
  const state = readSchedule(homeOf(surroundings), workspace);
  return state.isHandedOver && isThere(state);
}

/** Whether what the scheduler starts is still there. */
function isThere({ script, executable }: ScheduleState): boolean {
  return [script, executable].every((file) => file === undefined || existsSync(file));
}

/**
 * Takes a workspace's schedules away from the system's scheduler; when no other is left, the scheduler keeps nothing.
 * @param workspace undefined for all
 * @returns the workspaces whose schedules it still runs
 * @throws {ScheduleError}
 */
export function takeBack(workspace: string | undefined, surroundings: Surroundings): readonly string[] {
  const home = homeOf(surroundings);
  const before = handedOverWorkspaces(home);
  const named = workspace === undefined ? undefined : oneSpelling(workspace);
  const left = before.filter((each) => named !== undefined && each !== named);
  if (left.length === 0) {
    uninstall(surroundings);
    dropProgram(home);
  }
  for (const each of before) if (!left.includes(each)) endHandover(home, each);
  return left;
}

/** The times of day that the schedules of some workspaces name. */
async function timesOf(workspaces: readonly string[], surroundings: Surroundings): Promise<string[]> {
  const times: string[] = [];
  for (const workspace of workspaces) {
    try {
      const { sets } = await openWorkspace(workspace, surroundings);
      times.push(...sets.flatMap(timesOfSet));
    } catch (error) {
      // Running it will say what is wrong with it.
      if (!(error instanceof CrmBackupError)) throw error;
    }
  }
  return times;
}

function timesOfSet({ schedule = [], offPeak = [] }: BackupSet): string[] {
  const windows = [offPeak].flat();
  return [...schedule.flatMap(({ at }) => at ?? []), ...windows.map(({ from }) => from)];
}
