import { ratioOfVault } from '../../core/metrics/figures.ts';
import { type OpenedWorkspace, placeSet } from '../../core/open.ts';
import { surveySet } from '../../core/schedule/survey.ts';
import { planForget } from '../../core/retention/forget.ts';
import { type JobState, readSchedule } from '../../core/schedule/state.ts';
import { troublesOf } from '../../core/schedule/troubles.ts';
import { type WaitingEntry, waitingEntries } from '../../core/schedule/waiting-entries.ts';
import type { BackupSet } from '../../core/set/definition.ts';
import { readUndo } from '../../core/restore/last-restore.ts';
import { SetError } from '../../core/set/error.ts';
import { readSetFile, setFilePath } from '../../core/set/load.ts';
import { parseSetFile } from '../../core/set/parse.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { BackupRecord } from '../../core/vault/record.ts';
import type { Vault } from '../../core/vault/vault.ts';
import { toFailure } from '../failure.ts';
import type { BackupSummary, SetState } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import { ToldStates } from '../told-states.ts';
import type { Vaults } from '../vaults.ts';

/** What the host shows of a workspace: its sets with their backups. What is wrong with one set is told with it. */
export function state(vaults: Vaults): Handler<'state'> {
  const states = new ToldStates();
  return async ({ workspace, known }) => {
    const setFile = setFilePath(workspace);
    let text: string;
    try {
      text = await readSetFile(workspace);
    } catch (error) {
      if (!(error instanceof SetError) || error.code !== 'no-set-file') throw error;
      return { setFile, sets: [] };
    }
    const { sets } = parseSetFile(text);
    const waiting = waitingEntries(text, sets);
    const found = await Promise.all(
      sets.map((set, at) => stateOf(vaults, { directory: workspace, sets }, set, waiting[at]!)),
    );
    return { setFile, sets: found.map((set) => states.tell(workspace, set, known?.[set.name])) };
  };
}

async function stateOf(
  vaults: Vaults,
  opened: OpenedWorkspace,
  set: BackupSet,
  waiting: readonly WaitingEntry[],
): Promise<SetState> {
  const workspace = opened.directory;
  const known = { name: set.name, databases: set.databases.map(({ name }) => name) };
  const nothing = {
    vault: undefined,
    roots: [],
    backups: [],
    damaged: [],
    ratio: null,
    restoredAt: undefined,
    // What cannot be opened is due all the same: running it says why, and tries again later.
    next: await nextOf(vaults, workspace, set, []),
    problem: undefined,
    waiting,
    troubles: troublesOf(set, scheduled(vaults, workspace), [], new Date()),
  };
  try {
    const placed = await placeSet(opened, set, undefined, vaults.surroundings);
    const roots = placed.set.roots.map(({ name, directory }) => ({ name, directory }));
    const found = { ...nothing, ...known, roots, vault: placed.vaultDirectory };
    try {
      const vault = await vaults.at(placed.vaultDirectory);
      if (vault === undefined) return found;
      const { records, damaged } = await vaults.records(vault);
      return {
        ...found,
        next: await nextOf(vaults, workspace, set, records),
        backups: summariesOf(records, set),
        ratio: records.some((record) => record.set === set.name)
          ? ratioOfVault(records, await vaults.storedBytes(vault, records))
          : null,
        troubles: troublesOf(
          set,
          scheduled(vaults, workspace),
          records.filter((record) => record.set === set.name),
          new Date(),
        ),
        restoredAt: restoredAt(vaults, vault, set.name, records),
        damaged: damaged.map(({ id, error }) => ({ id, message: error.message })),
      };
    } catch (error) {
      return { ...found, problem: toFailure(error) };
    }
  } catch (error) {
    return { ...nothing, ...known, problem: toFailure(error) };
  }
}

/** What is remembered of the scheduled work of a workspace. */
function scheduled({ surroundings }: Vaults, workspace: string): readonly JobState[] {
  return readSchedule(homeOf(surroundings), workspace).jobs;
}

/** What of a set's schedule comes first. */
async function nextOf(
  { surroundings }: Vaults,
  workspace: string,
  set: BackupSet,
  records: readonly BackupRecord[],
): Promise<SetState['next']> {
  const latest = async (): Promise<readonly BackupRecord[]> =>
    Promise.resolve(records.filter((record) => record.set === set.name));
  const jobs = await surveySet(workspace, set, homeOf(surroundings), latest, new Date());
  const [first] = jobs.sort((a, b) => a.plan.nextRun.getTime() - b.plan.nextRun.getTime());
  if (first === undefined) return undefined;
  const { isDue, nextRun } = first.plan;
  const message = jobs.map(({ state: past }) => past).find((past) => hasFailed(past))?.message;
  // A time that passes would be another state each time.
  const isNew = jobs.some(
    ({ past, state: known }) => past.dealtWithUntil !== undefined && known?.dealtWithUntil === undefined,
  );
  return { kind: first.job.kind, at: isDue ? undefined : nextRun.toISOString(), message, isNew };
}

function hasFailed(past: JobState | undefined): boolean {
  return past?.lastStatus === 'failed' || past?.lastStatus === 'hook-failed';
}

/** The backups of a set, each with why the retention keeps it. */
function summariesOf(records: readonly BackupRecord[], set: BackupSet): BackupSummary[] {
  const ofSet = records.filter((record) => record.set === set.name);
  if (set.retention === undefined) return ofSet.map(summaryOf);
  const { kept } = planForget(ofSet, [set], new Date());
  const reasons = new Map(kept.map(({ backup, reasons: why }) => [backup.id, why]));
  return ofSet.map((record) => ({ ...summaryOf(record), keptBecause: reasons.get(record.id) ?? [] }));
}

/** When the last restore was that can be taken back: its safety backup must still be there. */
function restoredAt(
  { surroundings }: Vaults,
  vault: Vault,
  set: string,
  records: readonly BackupRecord[],
): string | undefined {
  const last = readUndo(homeOf(surroundings), vault.id, set);
  return records.some(({ id }) => id === last?.safetyBackup) ? last?.at : undefined;
}

/** A backup's record as it travels to the host. */
export function summaryOf(record: BackupRecord): BackupSummary {
  const { format: _format, sources: _sources, phases: _phases, manifest: _manifest, ...summary } = record;
  return summary;
}
