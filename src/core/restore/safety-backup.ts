import { backUp, type BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import type { Problem, ProblemCode } from '../problem.ts';
import { SourceError } from '../source/error.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { RestoreError } from './error.ts';
import type { RestorePlan } from './plan-restore.ts';
import { type SelectedPath, Selection } from './selection.ts';

/**
 * Backs up what a restore may change, by the rules it was backed up with; undefined when there is nothing to lose.
 * @param databases those the restore replaces, whole or in part
 * @param replaced the paths of what it replaces in them
 * @throws {RestoreError} `no-safety-backup` when something that is to be replaced or removed cannot be kept.
 *   {CancelledError}
 */
export async function takeSafetyBackup(
  vault: Vault,
  record: BackupRecord,
  plan: RestorePlan,
  set: Omit<BackupSources, 'databases'>,
  databases: readonly BackupDatabase[],
  replaced: readonly SelectedPath[],
  task: Task,
): Promise<BackupRecord | undefined> {
  const planned = new Set(plan.sources.map(({ name }) => name));
  const roots = [...plan.sources, ...set.roots.filter(({ name }) => !planned.has(name))];
  const label = `Before restore of ${record.label ?? record.id.slice(0, 8)}`;
  const sources = { ...set, name: record.set, roots, databases };
  const isAtStake = stakeOf(plan, databases, replaced);
  let lost: Problem | undefined;
  const onProblem = (problem: Problem): void => {
    if (isAtStake(problem)) lost ??= problem;
  };
  try {
    const safety = await backUp(vault, sources, { kind: 'auto', label, safety: true, onProblem }, task);
    if (lost !== undefined) throw cannotBeKept(lost);
    return safety;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // Where nothing could be read there may be something all the same; only where nothing is, nothing is lost.
    if (lost !== undefined || databases.length > 0) throw cannotBeKept(lost ?? error);
    return undefined;
  }
}

/** What such a problem of a file is about is not in the backup. */
const UNREADABLE: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'permission-denied',
  'unreadable',
  'unsupported-name',
  'root-missing',
]);

/** Tells problems of the safety backup that something is missing in which the restore replaces or removes. */
function stakeOf(
  { targets }: RestorePlan,
  databases: readonly BackupDatabase[],
  replaced: readonly SelectedPath[],
): (problem: Problem) => boolean {
  const files = targets.flatMap(({ root, plan }) =>
    [...plan.removals, ...plan.placements.filter(({ live }) => live !== undefined)].map(({ path }) => ({
      path: path === '' ? root : `${root}/${path}`,
      recursive: true,
    })),
  );
  const selectedFiles = new Selection(files);
  const selectedTables = new Selection(replaced);
  const whole = new Set(databases.map(({ name }) => `databases/${name}`));
  return ({ code, path, incomplete }) =>
    path.startsWith('databases/')
      ? // What is damaged is kept as it is; its restore is what mends it.
        incomplete &&
        code !== 'database-damaged' &&
        (whole.has(path) || selectedTables.resolve(path) === 'whole')
      : UNREADABLE.has(code) && selectedFiles.resolve(path) !== 'none';
}

function cannotBeKept({ message, path }: { readonly message: string; readonly path?: string }): RestoreError {
  const what = path?.startsWith('files/') === true ? `${path}: ` : '';
  return new RestoreError(
    'no-safety-backup',
    `Nothing was restored, for there can be no safety backup: ${what}${message}`,
    {
      hint: 'Put that right, or restore without a safety backup (--no-safety-backup).',
    },
  );
}
