import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { restoresFolder } from '../restore/journal.ts';
import { stateOf } from '../restore/journals.ts';
import { systemCode } from '../errors.ts';
import { hasMuchToDo, runsOnBattery } from '../gentle/machine.ts';
import type { BackupSet } from '../set/definition.ts';
import { lockPurposes } from '../vault/lock.ts';
import type { Vault } from '../vault/vault.ts';

/**
 * Why scheduled work must wait now: a restore or a guarded command is under way, the machine is on battery or busy;
 * undefined when nothing is in the way.
 */
export async function impedimentOf(
  vault: Vault,
  home: string,
  { onBattery = false, maxLoad }: NonNullable<BackupSet['gentle']>,
): Promise<string | undefined> {
  if (!onBattery && runsOnBattery()) return 'The machine runs on battery; it is tried again later.';
  if (maxLoad !== undefined && hasMuchToDo(maxLoad)) return 'The machine is busy; it is tried again later.';
  const purposes = await lockPurposes(vault.storage);
  if (isRestoring(home) || purposes.includes('a restore'))
    return 'A restore is under way; it is tried again later.';
  if (purposes.includes('a guard')) return 'A guarded command is under way; it is tried again later.';
  return undefined;
}

/** Whether a restore of this user's runs now, from whatever vault. */
function isRestoring(home: string): boolean {
  const folder = restoresFolder(home);
  try {
    return readdirSync(folder, { withFileTypes: true }).some(
      (item) => item.isDirectory() && stateOf(join(folder, item.name)) === 'at-work',
    );
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
