import { statfs } from 'node:fs/promises';
import { createRecoveryKey } from '../../core/keys.ts';
import { usageOf } from '../../core/metrics/usage.ts';
import { openWorkspace, type PlacedSet, placeSet } from '../../core/open.ts';
import type { BackupRecord } from '../../core/vault/record.ts';
import type { Vault } from '../../core/vault/vault.ts';
import { VaultError } from '../../core/vault/error.ts';
import { type FailureData, toFailure } from '../failure.ts';
import type { VaultState } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** The vaults of a workspace's sets. A set whose place cannot be told is left to the list of sets. */
export function vaultStates(vaults: Vaults): Handler<'vaults'> {
  return async ({ workspace }) => {
    const places = new Map<string, string[]>();
    const opened = await openWorkspace(workspace, vaults.surroundings);
    for (const set of opened.sets) {
      const placed = await placeSet(opened, set, undefined, vaults.surroundings).catch(() => undefined);
      if (placed === undefined) continue;
      places.set(placed.vaultDirectory, [...(places.get(placed.vaultDirectory) ?? []), set.name]);
    }
    return Promise.all([...places].map(async ([directory, sets]) => stateOf(vaults, directory, sets)));
  };
}

/** Writes a new recovery key of a set's vault to a file. */
export function saveRecoveryKey(vaults: Vaults): Handler<'saveRecoveryKey'> {
  return async ({ file, ...target }) => {
    const placed: PlacedSet = await vaults.place(target);
    await createRecoveryKey(await vaults.existing(placed), file);
    return null;
  };
}

async function stateOf(vaults: Vaults, directory: string, sets: readonly string[]): Promise<VaultState> {
  const nothing = { storedBytes: undefined, freeBytes: undefined, verifiedAt: undefined, problem: undefined };
  const unknown = { directory, sets, backups: 0, ...nothing };
  try {
    const vault = await vaults.at(directory);
    if (vault === undefined) return { ...unknown, status: 'absent' };
    const { records, damaged } = await vaults.records(vault);
    const verified = records.flatMap(({ verifiedAt }) => verifiedAt ?? []).sort();
    const problem = damageIn(vault, damaged.length, records);
    return {
      directory,
      sets,
      status: problem === undefined ? 'healthy' : 'damaged',
      backups: records.length,
      storedBytes: (await usageOf(vault.storage)).total,
      freeBytes: await freeBytes(directory),
      verifiedAt: verified.at(-1),
      problem,
    };
  } catch (error) {
    const isDamaged = error instanceof VaultError && error.code === 'damaged';
    return { ...unknown, status: isDamaged ? 'damaged' : 'unreachable', problem: toFailure(error) };
  }
}

/** What is known to be damaged without looking further: records, the configuration, what verify has found. */
function damageIn(
  vault: Vault,
  unreadable: number,
  records: readonly Pick<BackupRecord, 'damagedAt' | 'lostPaths'>[],
): FailureData | undefined {
  // Only who reads every byte finds again what reading has found.
  const hint = 'Run “crm-backup verify --level data”, then “crm-backup repair”.';
  const told = (message: string): FailureData => ({ name: 'VaultError', code: 'damaged', message, hint });
  if (vault.config.isCopy) return told('The configuration of the vault is damaged; a copy of it is used.');
  if (unreadable > 0) return told(`Backups that cannot be read: ${unreadable}.`);
  const incomplete = records.filter(({ lostPaths = 0 }) => lostPaths > 0).length;
  if (incomplete > 0) return told(`Backups that have lost content: ${incomplete}.`);
  const damaged = records.filter(({ damagedAt }) => damagedAt !== undefined).length;
  return damaged === 0 ? undefined : told(`Backups in which damage was found: ${damaged}.`);
}

async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
