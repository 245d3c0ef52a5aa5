import { backUp, type BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import type { Problem, ProblemCode } from '../problem.ts';
import { SourceError } from '../source/error.ts';
import type { Task } from '../task.ts';
import { isWithin } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { RestoreError } from './error.ts';
import type { RestorePlan } from './plan-restore.ts';
import { readBack } from './read-back.ts';
import { type SelectedPath, Selection } from './selection.ts';

/** So often a safety backup is made, where what it rests on turns out to be damaged. */
const MOST_ATTEMPTS = 3;

/**
 * Backs up what a restore may change, by the rules it was backed up with; undefined when there is nothing to lose. What
 * it holds of what is replaced or removed has been read back, as far as it was in the vault before; where that was
 * damaged it is stored anew.
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
  pool: WorkerPool,
  task: Task,
): Promise<BackupRecord | undefined> {
  const planned = new Set(plan.sources.map(({ name }) => name));
  const roots = [...plan.sources, ...set.roots.filter(({ name }) => !planned.has(name))];
  const label = `Before restore of ${record.label ?? record.id.slice(0, 8)}`;
  const sources = { ...set, name: record.set, roots, databases };
  const files = filesAtStake(plan);
  const paths = [...files, ...replaced, ...otherDatabases(databases, replaced)];
  const isAtStake = stakeOf(files, databases, replaced);
  let lost: Problem | undefined;
  const onProblem = (problem: Problem): void => {
    if (isAtStake(problem)) lost ??= problem;
  };
  for (let attempt = 1; ; attempt++) {
    let written: ReadonlySet<string> = new Set();
    const onStored = (packs: ReadonlySet<string>): void => void (written = packs);
    const options = { kind: 'auto', label, safety: true, onProblem, onStored } as const;
    let safety: BackupRecord;
    try {
      safety = await backUp(vault, sources, options, task);
      if (lost !== undefined) throw cannotBeKept(lost);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      // Where nothing could be read there may be something all the same; only where nothing is, nothing is lost.
      if (lost !== undefined || databases.length > 0) throw cannotBeKept(lost ?? error);
      return undefined;
    }
    const back = await readBack(vault, safety, paths, written, pool, task);
    if (back.isWhole) return safety;
    // Of no use: what is live is still as it was, and the next one stores anew what was damaged.
    await vault.noteMoreBadFrames(back.badFrames);
    await vault.forget(safety.id);
    if (attempt === MOST_ATTEMPTS) throw cannotBeKept(NOT_READ_BACK);
  }
}

const NOT_READ_BACK = { message: 'what it stores in the vault cannot be read back from there.' };

/** What such a problem of a file is about is not in the backup. */
const UNREADABLE: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'permission-denied',
  'unreadable',
  'unsupported-name',
  'root-missing',
]);

/** What a restore replaces or removes. */
function filesAtStake({ targets }: RestorePlan): SelectedPath[] {
  return targets.flatMap(({ root, plan }) =>
    [...plan.removals, ...plan.placements.filter(({ live }) => live !== undefined)].map(({ path }) => ({
      path: path === '' ? root : `${root}/${path}`,
      recursive: true,
    })),
  );
}

/** Databases of which no path says what of them is replaced. */
function otherDatabases(
  databases: readonly BackupDatabase[],
  replaced: readonly SelectedPath[],
): SelectedPath[] {
  return databases
    .map(({ name }) => ({ path: `databases/${name}`, recursive: true }))
    .filter((whole) => !replaced.some(({ path }) => isWithin(path, whole.path)));
}

/** Tells problems of the safety backup that something is missing in which the restore replaces or removes. */
function stakeOf(
  files: readonly SelectedPath[],
  databases: readonly BackupDatabase[],
  replaced: readonly SelectedPath[],
): (problem: Problem) => boolean {
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
