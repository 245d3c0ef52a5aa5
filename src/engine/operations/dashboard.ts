import { measure } from '../../core/metrics/figures.ts';
import { surveyJobs } from '../../core/schedule/survey.ts';
import { nextOccurrence } from '../../core/schedule/recurrence.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

const AHEAD_MS = 14 * 24 * 60 * 60 * 1000;
/** Hourly backups of two weeks, and some. */
const MOST_PLANNED = 500;

/** Measures a set’s vault, and looks ahead in its schedule. */
export function figures(vaults: Vaults): Handler<'figures'> {
  return async ({ workspace, set }, task) => {
    const placed = await vaults.place({ workspace, set });
    const vault = await vaults.at(placed.vaultDirectory);
    const home = homeOf(vaults.surroundings);
    await (vault && vaults.records(vault));
    return {
      figures: vault && (await measure(vault, { home, set }, task)),
      planned: await plannedRuns(vaults, workspace, set),
    };
  };
}

async function plannedRuns({ surroundings }: Vaults, workspace: string, set: string): Promise<string[]> {
  const now = new Date();
  const until = now.getTime() + AHEAD_MS;
  const jobs = await surveyJobs(workspace, surroundings, now);
  const moments = new Set<string>();
  for (const { job, plan } of jobs) {
    if (job.set !== set || job.kind === 'verify' || job.kind === 'drill') continue;
    for (let at = plan.nextRun; at.getTime() < until && moments.size < MOST_PLANNED;) {
      moments.add(at.toISOString());
      at = nextOccurrence(job.recurrence, at);
    }
  }
  return [...moments].sort();
}
