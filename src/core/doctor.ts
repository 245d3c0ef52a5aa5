import { type Check, failedBy, passed, warned } from './doctor/check.ts';
import { checkGit, checkRepository, checkRuntime } from './doctor/programs.ts';
import { checkRestores } from './doctor/restores.ts';
import { checkSources } from './doctor/sources.ts';
import { checkVault } from './doctor/vaults.ts';
import { type Named, openWorkspace, placeSet, vaultDirectoryOf } from './open.ts';
import type { BackupSet } from './set/definition.ts';
import { chooseSet } from './set/load.ts';
import type { Surroundings } from './surroundings.ts';
import { type Task, throwIfCancelled } from './task.ts';

/**
 * Looks at everything that backups of a workspace depend on, or reading a vault that is named without one. What cannot
 * be looked at is a failed check, not an error. Nothing is changed; for a moment the vault is locked as for a backup.
 * @throws {CancelledError}
 */
export async function examine(named: Named, surroundings: Surroundings, task: Task = {}): Promise<Check[]> {
  const checks: Check[] = [checkRuntime(), await checkGit()];
  const vaults = new Set<string>();
  if (named.vault !== undefined && named.workspace === undefined) {
    try {
      vaults.add(vaultDirectoryOf(named.vault, surroundings.cwd));
    } catch (error) {
      checks.push(failedBy('vault', error));
    }
  } else {
    checks.push(...(await examineSets(named, surroundings, vaults, task)));
  }
  for (const directory of vaults) {
    throwIfCancelled(task);
    checks.push(...(await checkVault(directory, named.keyFile, surroundings, task)));
  }
  checks.push(checkRestores(surroundings));
  return checks;
}

/** Nobody may believe to have copies that are not made. */
function checkReplicas({ name, replicas = [] }: BackupSet): Check[] {
  if (replicas.length === 0) return [];
  const detail = `No copy is made to ${replicas.join(', ')}: this version does not make off-site copies yet.`;
  return [warned(`replicas ${name}`, detail, 'Copy the vault’s folder there with rclone until then.')];
}

async function examineSets(
  named: Named,
  surroundings: Surroundings,
  vaults: Set<string>,
  task: Task,
): Promise<Check[]> {
  try {
    const { directory, sets } = await openWorkspace(named.workspace, surroundings);
    const chosen = named.set === undefined ? sets : [chooseSet(sets, named.set)];
    const names = chosen.map(({ name }) => `“${name}”`).join(', ');
    const repository = await checkRepository(directory);
    const checks = [
      passed('set file', `${directory} has ${names}.`),
      ...(repository === undefined ? [] : [repository]),
    ];
    for (const set of chosen) {
      try {
        const placed = await placeSet({ directory, sets }, set, named.vault, surroundings);
        vaults.add(placed.vaultDirectory);
        checks.push(...(await checkSources(placed, task)), ...checkReplicas(set));
      } catch (error) {
        checks.push(failedBy(`set ${set.name}`, error));
      }
    }
    return checks;
  } catch (error) {
    return [failedBy('set file', error)];
  }
}
