import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Recovered } from '../core/restore/recover.ts';
import { interruptedSentence } from '../core/restore/interrupted-sentence.ts';
import type { Surrounding } from '../core/restore/concerned.ts';
import { placesOf } from '../core/restore/unfinished.ts';
import { homeOf } from '../core/surroundings.ts';
import type { Opened } from './opened.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatTime } from './quantity.ts';
import type { Session } from './session.ts';
import { shortId } from './shown-record.ts';

/** How many files are named in a warning. */
const MOST_NAMED = 3;

/**
 * Brings restores that were interrupted to their end, where that overwrites nothing, and tells what became of them, as far
 * as that concerns whoever calls.
 */
export async function finishRestores(surrounding: Surrounding, session: Session): Promise<void> {
  const home = homeOf(session.surroundings);
  // Mostly there was never a restore, and its code need not be loaded.
  if (!existsSync(join(home, 'restores'))) return;
  const { recoverRestores } = await import('../core/restore/recover.ts');
  for (const found of await recoverRestores(home)) await warnOfInterrupted(found, surrounding, session);
}

/** What the user works with, for a vault that is open. */
export function surroundingOf({ placed, listing }: Pick<Opened, 'placed' | 'listing'>): Surrounding {
  const sets = placed.map(({ set }) => set);
  return { workspace: placed[0]?.workspace, sets, records: async () => Promise.resolve(listing.records) };
}

/**
 * Tells what became of an interrupted restore, or what is to be done, unless it concerns only others.
 * @param isEndedFirst whether it is in the way of a restore and is now ended whatever that takes
 */
export async function warnOfInterrupted(
  found: Recovered,
  surrounding: Surrounding,
  session: Session,
  isEndedFirst = false,
): Promise<void> {
  const { backup, startedAt, outcome, directories, databases, spared, keptIn, reason, hint } = found;
  if (outcome === 'unreadable') {
    for (const sentence of interruptedSentence(found)) session.warn(plainText(sentence));
    return;
  }
  const names = placesOf({ roots: [], databases });
  const where = [...directories, ...names].map(printable).join(', ');
  const what = `the restore of ${shortId(backup)} from ${formatTime(startedAt)} was interrupted`;
  if (isEndedFirst) {
    const how =
      names.length === 0
        ? ', but for files that were changed since, which stay as they are.'
        : ', which may run a restore command again and overwrites what was changed in its databases since.';
    session.warn(`${what} in ${where} and is ended first${how}`);
    return;
  }
  const { isToBeTold } = await import('../core/restore/concerned.ts');
  if (!(await isToBeTold(found, surrounding))) return;
  for (const sentence of interruptedSentence(found)) session.warn(plainText(sentence));
  if (outcome === 'finished') session.warn(`${what}; it was finished now in ${where}.`);
  if (outcome === 'undone') session.warn(`${what}; it was taken back in ${where}.`);
  const isDone = outcome === 'finished' || outcome === 'undone';
  if (isDone && reason !== undefined) session.warn(plainText([reason, hint].filter(Boolean).join(' ')));
  if (spared.length > 0) {
    const first = spared.slice(0, MOST_NAMED).map(printable).join(', ');
    session.warn(`${counted(spared.length, 'file')} changed since and stayed as they are: ${first}`);
  }
  if (keptIn.length > 0) session.warn(keptSentence(keptIn));
}

/** Where files of before stand that an interrupted restore did not put back. */
export function keptSentence(keptIn: readonly string[]): string {
  const places = keptIn.map(printable).join(', ');
  return `What files were before the restore is kept in ${places}; remove it when you need it no more.`;
}
