import { drill as rehearse } from '../../core/drill/drill.ts';
import { findBackup } from '../../core/reference.ts';
import { runDue as runAllDue } from '../../core/schedule/run.ts';
import { listed, surveyJobs } from '../../core/schedule/survey.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** What is due when in a workspace. */
export function jobs({ surroundings }: Vaults): Handler<'jobs'> {
  return async ({ workspace }) => (await surveyJobs(workspace, surroundings, new Date())).map(listed);
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
    return rehearse(vault, record, { home: homeOf(vaults.surroundings), set: placed.set }, task);
  };
}
