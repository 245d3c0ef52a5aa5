import { backUp, type BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import type { Problem, ProblemCode } from '../problem.ts';
import { SourceError } from '../source/error.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { RestoreError } from './error.ts';
import type { RestorePlan } from './plan-restore.ts';
import { Selection } from './selection.ts';

/**
 * Backs up what a restore may change, by the rules it was backed up with; undefined when there is nothing to lose.
 * @param databases those the restore replaces
 * @throws {RestoreError} `no-safety-backup` when one of them, or a file that is to be replaced or removed, cannot be read;
 *   {CancelledError}
 */
export async function takeSafetyBackup(
  vault: Vault,
  record: BackupRecord,
  plan: RestorePlan,
  set: Omit<BackupSources, 'databases'>,
  databases: readonly BackupDatabase[],
  task: Task,
): Promise<BackupRecord | undefined> {
  const planned = new Set(plan.sources.map(({ name }) => name));
  const roots = [...plan.sources, ...set.roots.filter(({ name }) => !planned.has(name))];
  const label = `Before restore of ${record.label ?? record.id.slice(0, 8)}`;
  const sources = { ...set, name: record.set, roots, databases };
  const isAtStake = stakeOf(plan);
  let lost: Problem | undefined;
  const onProblem = (problem: Problem): void => {
    if (UNREADABLE.has(problem.code) && isAtStake(problem.path)) lost ??= problem;
  };
  try {
    const safety = await backUp(vault, sources, { kind: 'auto', label, safety: true, onProblem }, task);
    if (lost !== undefined) throw cannotBeKept(`${lost.path}: ${lost.message}`);
    for (const { name } of databases) {
      const failed = safety.problems.find(
        (problem) => problem.incomplete && problem.path === `databases/${name}`,
      );
      if (failed !== undefined) throw cannotBeKept(failed.message);
    }
    return safety;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // Nothing there, nothing to lose: but a database is there.
    if (databases.length > 0) throw cannotBeKept(error.message);
    return undefined;
  }
}

/** What such a problem is about is not in the backup. */
const UNREADABLE: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'permission-denied',
  'unreadable',
  'unsupported-name',
  'root-missing',
]);

/** Whether something at, above or below a path of the backup is going to be replaced or removed. */
function stakeOf({ targets }: RestorePlan): (path: string) => boolean {
  const paths = targets.flatMap(({ root, plan }) =>
    [...plan.removals, ...plan.placements.filter(({ live }) => live !== undefined)].map(({ path }) => ({
      path: path === '' ? root : `${root}/${path}`,
      recursive: true,
    })),
  );
  const selection = new Selection(paths);
  return (path) => selection.resolve(path) !== 'none';
}

function cannotBeKept(why: string): RestoreError {
  return new RestoreError(
    'no-safety-backup',
    `Nothing was restored, for there can be no safety backup: ${why}`,
    {
      hint: 'Put that right, or restore without a safety backup (--no-safety-backup).',
    },
  );
}
