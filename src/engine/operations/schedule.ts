import { readFileSync } from 'node:fs';
import path from 'node:path';
import { drill as rehearse } from '../../core/drill/drill.ts';
import { findBackup } from '../../core/reference.ts';
import {
  handOver as handToSystem,
  isHandedOver,
  renewHandover,
  type Runtime,
  takeBack as takeFromSystem,
} from '../../core/schedule/handover.ts';
import { runDue as runAllDue } from '../../core/schedule/run.ts';
import { listed, surveyJobs } from '../../core/schedule/survey.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** What is due when in a workspace. */
export function jobs({ surroundings }: Vaults): Handler<'jobs'> {
  return async ({ workspace }) => (await surveyJobs(workspace, surroundings, new Date())).map(listed);
}

/** Who does what is due in a workspace, and when that is. */
export function scheduler({ surroundings }: Vaults): Handler<'scheduler'> {
  return async ({ workspace }) => {
    const all = (await surveyJobs(workspace, surroundings, new Date())).map(({ plan }) => plan.nextRun);
    const [next] = all.toSorted((a, b) => a.getTime() - b.getTime());
    return { isHandedOver: isHandedOver(workspace, surroundings), nextRun: next?.toISOString() };
  };
}

/** Has the system's scheduler do what is due in a workspace, by the command line that lies beside the engine. */
export function handOver({ surroundings }: Vaults): Handler<'handOver'> {
  return async ({ workspace }) => {
    const { scheduler: by, notice } = await handToSystem(workspace, runtimeHere(), surroundings);
    return { scheduler: by, notice };
  };
}

/** Has what was handed over go on after an update; throws what `renewHandover` throws. */
export async function renew({ surroundings }: Vaults): Promise<boolean> {
  return renewHandover(runtimeHere(), surroundings);
}

function runtimeHere(): Runtime {
  const folder = path.dirname(process.argv[1] ?? '');
  return {
    executable: process.execPath,
    script: path.join(folder, 'cli.js'),
    isElectron: process.versions['electron'] !== undefined,
    extensionVersion: versionIn(path.join(folder, '..', 'package.json')),
  };
}

function versionIn(manifest: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version;
  } catch {
    // No extension's folder.
    return undefined;
  }
}

/** Takes what is due in a workspace away from the system's scheduler. */
export function takeBack({ surroundings }: Vaults): Handler<'takeBack'> {
  return ({ workspace }) => {
    takeFromSystem(workspace, surroundings);
    return Promise.resolve(null);
  };
}

/** Does what is due now in a workspace. */
export function runDue({ surroundings }: Vaults): Handler<'runDue'> {
  return async ({ workspace }, task) => runAllDue(workspace, surroundings, task);
}

/** Rehearses a restore. */
export function drill(vaults: Vaults): Handler<'drill'> {
  return async ({ workspace, set, backup = 'latest' }, task) => {
    const placed = await vaults.place({ workspace, set });
    const vault = await vaults.existing(placed);
    const record = findBackup(await vaults.records(vault), backup, set);
    const { surroundings } = vaults;
    const options = { home: homeOf(surroundings), set: placed.set, secret: surroundings.secret };
    return rehearse(vault, record, options, task);
  };
}
