import type { BackupDatabase } from '../backup/databases.ts';
import type { DatabaseAddress, DatabasePlan } from '../database/engine.ts';
import { engineAt } from '../database/engines.ts';
import { CrmBackupError } from '../errors.ts';
import { SetError } from '../set/error.ts';
import type { SelectedDatabase } from './database-selection.ts';
import { RestoreError } from './error.ts';

/** What stands where a database is restored to. */
export interface Standing {
  /** The name of the set’s database that this is, and whether it surely is; undefined when it is none of the set. */
  readonly ofSet: { readonly name: string; readonly isSure: boolean } | undefined;
  /** One name for every address that leads there; see `DatabaseEngine.liveName`. */
  readonly liveName: string;
  /** A database of the set that may be this one, for where it is cannot be found out: its name, and why. */
  readonly unseen?: { readonly name: string; readonly why: string } | undefined;
}

/**
 * Tells which database of the set it is that a restore goes to.
 * @param address the one of the selected database
 * @param live the databases of the set
 * @throws {DatabaseError} `invalid-address`
 */
export async function standingAt(
  { name, target }: Pick<SelectedDatabase, 'name' | 'target'>,
  address: DatabaseAddress,
  live: readonly BackupDatabase[],
): Promise<Standing> {
  const engine = await engineAt(address);
  const liveName = engine.liveName(address, target, true);
  if (target === undefined) return { ofSet: { name, isSure: true }, liveName };
  const inAnyCase = engine.liveName(address, target);
  let perhaps: string | undefined;
  let unseen: Standing['unseen'];
  // Its own place first: it may be called by its name.
  for (const one of [...live].sort((a, b) => Number(b.name === name) - Number(a.name === name))) {
    try {
      const other = await placeAt(one, address);
      const its = await engineAt(other);
      if (its.liveName(other, undefined, true) === liveName)
        return { ofSet: { name: one.name, isSure: true }, liveName };
      if (its.liveName(other, undefined) === inAnyCase) perhaps ??= one.name;
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      unseen ??= { name: one.name, why: error.message.replace(/\.$/, '') };
    }
  }
  return { ofSet: perhaps === undefined ? undefined : { name: perhaps, isSure: false }, liveName, unseen };
}

/** Where a database of the set is; a user or a password that is not known says nothing of the place. */
async function placeAt(database: BackupDatabase, { workspace }: DatabaseAddress): Promise<DatabaseAddress> {
  try {
    return await database.address();
  } catch (error) {
    const url = database.source?.url?.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1user@');
    if (!(error instanceof SetError) || url === undefined || url.includes('${')) throw error;
    return { name: database.name, url, workspace };
  }
}

/**
 * Refuses to replace what no safety backup would hold, unless that is wanted.
 * @param consent whether what is nobody’s may be replaced, and whether no safety backup is wanted at all
 * @throws {RestoreError} `target-not-empty`
 */
export function mustBeFreeOrOfSet(
  { ofSet, unseen }: Standing,
  plan: DatabasePlan,
  { mayOverwrite, mayLoseLive }: { readonly mayOverwrite: boolean; readonly mayLoseLive: boolean },
): void {
  if (ofSet?.isSure === true || plan.creates || plan.isEmpty === true) return;
  if (unseen !== undefined && !mayLoseLive) {
    throw new RestoreError(
      'target-not-empty',
      `${plan.target} is not empty, and whether it is the set’s database “${unseen.name}”, which a safety backup would have to hold, is not known: ${unseen.why}.`,
      {
        hint: 'Nothing was changed. Set what is missing and restore again, or replace it for good with --overwrite --no-safety-backup.',
      },
    );
  }
  if (mayOverwrite) return;
  throw new RestoreError(
    'target-not-empty',
    `${plan.target} is not empty and no database of the set, so no safety backup would hold what is in it.`,
    {
      hint: 'Nothing was changed. Restore to an empty database or one that does not exist, or replace what is there with --overwrite.',
    },
  );
}

/** What to know of where a database goes, when it is another place than its own. */
export function standingNotices(
  { name, target }: SelectedDatabase,
  { ofSet }: Standing,
  { creates, isEmpty }: DatabasePlan,
): string[] {
  if (target === undefined || creates) return [];
  if (ofSet?.isSure === true)
    return ofSet.name === name ? [] : [`This is the set’s database “${ofSet.name}”, which is replaced.`];
  return isEmpty === true ? [] : ['What it holds now is in no backup of the set and will be lost.'];
}
