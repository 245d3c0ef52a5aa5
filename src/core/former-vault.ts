import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CrmBackupError } from './errors.ts';
import { vaultsFolder } from './home.ts';
import { latestOf } from './latest.ts';
import { movedRoots } from './moved-roots.ts';
import { systemPath } from './source/name.ts';
import { LocalStorage } from './storage/local.ts';
import { homeOf, type Surroundings } from './surroundings.ts';
import { findKey } from './unlock.ts';
import { Vault } from './vault/vault.ts';

/** A set as far as it tells whether backups are of it. */
interface SetAtPlace {
  readonly set: {
    readonly name: string;
    readonly vault?: string | undefined;
    readonly roots: readonly { readonly name: string; readonly directory: string }[];
  };
}

/** A vault among the user's own data with backups of folders that are not there any more. */
export interface FormerVault {
  readonly directory: string;
  readonly set: string;
  /** A folder that its newest backup of the set is of, and which is gone. */
  readonly from: string;
}

/**
 * The vault that a set had before its workspace was given another name, as far as that can be told: it has backups of a
 * set of the same name and with a root of the same name, of a folder that is gone; of several the one with the newest.
 * Sets that name their vault have none; vaults that the user's own keys do not open are passed over.
 */
export async function formerVault(
  placed: readonly SetAtPlace[],
  surroundings: Surroundings,
): Promise<FormerVault | undefined> {
  const sets = placed.flatMap(({ set }) => (set.vault === undefined ? [set] : []));
  if (sets.length === 0) return undefined;
  const folder = vaultsFolder(homeOf(surroundings), surroundings.platform);
  const names = await readdir(folder).catch(() => []);
  const found: (FormerVault & { readonly createdAt: string })[] = [];
  for (const directory of names.map((name) => join(folder, name))) {
    const records = await recordsIn(directory, surroundings);
    for (const set of sets) {
      const latest = latestOf(records.filter((record) => record.set === set.name));
      const moved = latest && movedRoots(latest, set.roots).find(({ from }) => !existsSync(systemPath(from)));
      if (moved) found.push({ directory, set: set.name, from: moved.from, createdAt: latest.createdAt });
    }
  }
  return found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
}

/** What there is, and how to go on with it. */
export function tellFormerVault({ directory, set, from }: FormerVault): { sentence: string; hint: string } {
  return {
    sentence: `That at ${directory} has backups of the set “${set}” of ${from}, which is not there any more.`,
    hint: `If the folder only got another name, go on with that vault: set "vault": ${JSON.stringify(directory)} in .vscode/crm-backup.json, or give it with --vault.`,
  };
}

async function recordsIn(
  directory: string,
  surroundings: Surroundings,
): Promise<Awaited<ReturnType<Vault['records']>>['records']> {
  try {
    const storage = new LocalStorage(directory);
    const id = await Vault.identify(storage);
    if (id === undefined) return [];
    const { unlock } = await findKey(id, undefined, surroundings);
    return (await (await Vault.open(storage, unlock)).records()).records;
  } catch (error) {
    if (error instanceof CrmBackupError) return [];
    throw error;
  }
}
