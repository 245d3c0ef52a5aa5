import { backUp, type BackupSources } from '../backup.ts';
import type { BackupDatabase } from '../backup/databases.ts';
import { SourceError } from '../source/error.ts';
import type { Task } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { RestoreError } from './error.ts';
import type { RestorePlan } from './plan-restore.ts';

/**
 * Backs up what a restore may change, by the rules it was backed up with; undefined when there is nothing to lose.
 * @param databases those the restore replaces
 * @throws {RestoreError} `no-safety-backup` when one of them cannot be read. {CancelledError}
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
  try {
    const safety = await backUp(vault, sources, { kind: 'auto', label, safety: true }, task);
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

function cannotBeKept(why: string): RestoreError {
  return new RestoreError(
    'no-safety-backup',
    `Nothing was restored, for there can be no safety backup: ${why}`,
    {
      hint: 'Put that right, or restore without a safety backup (--no-safety-backup).',
    },
  );
}
