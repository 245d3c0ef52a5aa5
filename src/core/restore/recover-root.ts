import { accessSync, constants, realpathSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { systemCode } from '../errors.ts';
import { systemPath } from '../source/name.ts';
import type { SecretSource } from '../surroundings.ts';
import { type RestoreDisk, nodeDisk } from './disk.ts';
import { diskFailure } from './disk-failure.ts';
import { RestoreError } from './error.ts';
import { restoresFolder } from './journal.ts';
import { hasBegunToSwitch, stateOf } from './journals.ts';
import { lookAt } from './live-tree.ts';
import { recoverJournal } from './recover.ts';
import { keepsNothing, leftovers, removeTree, stagingOwner } from './staging.ts';
import { privateStaging, STAGING } from './staging-name.ts';
import { anotherAway, journalElsewhere, journalGone, movedSince } from './unfinished.ts';

/**
 * Makes a root free for a new restore: ends a dead one that was working there. A root says itself whose it was, and it may
 * come from anybody; so only journals of this user's own folder are carried out, which name commands, places and databases.
 * Of others it is only believed that nothing is to be done.
 * @throws {RestoreError} `permission`, `locked` when one works there now, `unfinished-restore`.
 */
export async function recoverRoot(
  directory: string,
  home: string,
  disk: RestoreDisk = nodeDisk(),
  secret?: SecretSource,
): Promise<void> {
  const options = { secret, decision: 'end' } as const;
  mustBeOpen(directory);
  if (lookAt(directory)?.type !== 'directory') return;
  const owner = stagingOwner(directory);
  if (owner !== undefined) {
    const journal = owner === 'unknown' ? undefined : owner.journal;
    const state = journal === undefined ? 'none' : stateOf(journal);
    if (state === 'unreadable') throw journalElsewhere(directory, journal!);
    if (state === 'at-work') {
      throw new RestoreError('locked', `Another restore is working in ${directory}.`, {
        hint: 'Wait until it is done, then try again.',
      });
    }
    const isAbandoned = state === 'abandoned';
    if (isAbandoned && isOwnJournal(home, journal!)) await recover(directory, journal!, disk, options);
    else if (isAbandoned && hasBegunToSwitch(journal!)) throw journalElsewhere(directory, journal!);
    else if (keepsNothing(directory)) removeTree(disk, `${directory}/${STAGING}`);
    else throw journalGone(directory);
  }
  for (const { id, owner: leftBy } of leftovers(directory)) {
    // Without an owner’s name in it, it may just be being made.
    if (leftBy === undefined) continue;
    const state = stateOf(leftBy.journal);
    const isAbandoned = state === 'abandoned';
    if (isAbandoned && isOwnJournal(home, leftBy.journal))
      await recoverJournal(leftBy.journal, disk, options);
    // Under this name nothing is kept that is still needed.
    else if (isAbandoned || state === 'none') removeTree(disk, `${directory}/${privateStaging(id)}`);
  }
}

/** Whether something was left in a folder cannot be seen where that may not be entered. */
function mustBeOpen(directory: string): void {
  try {
    if (lookAt(directory)?.type === 'directory')
      accessSync(systemPath(directory), constants.R_OK | constants.X_OK);
  } catch (error) {
    throw diskFailure(`look into ${directory}`, error);
  }
}

async function recover(
  directory: string,
  journal: string,
  disk: RestoreDisk,
  options: Parameters<typeof recoverJournal>[2],
): Promise<void> {
  const found = await recoverJournal(journal, disk, options);
  if (found?.outcome !== 'waiting') return;
  const place = realPlace(directory);
  if (found.directories.some((known) => realPlace(known) === place)) throw anotherAway(directory, found);
  throw movedSince(directory, found);
}

function isOwnJournal(home: string, journal: string): boolean {
  return isAbsolute(journal) && realPlace(dirname(journal)) === realPlace(restoresFolder(home));
}

function realPlace(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return resolve(folder);
  }
}
