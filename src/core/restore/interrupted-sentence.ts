import type { Recovered } from './recover.ts';
import { placesOf } from './unfinished.ts';

/**
 * What the user is to know of a restore that was interrupted and is still not ended, and what to do; nothing for others.
 * No secret is in it.
 */
export function interruptedSentence(found: Recovered): string[] {
  const { id, startedAt, outcome, reason } = found;
  const where = placesOf({
    roots: found.directories.map((directory) => ({ directory })),
    databases: found.databases,
  });
  const what = `A restore of ${timeOf(startedAt)} in ${where.join(', ')} was interrupted`;
  switch (outcome) {
    case 'undecided':
      return [
        `${what} and is left as it is: ${reason === undefined ? 'to end it could overwrite what was changed since.' : lowered(reason)} Restore there again to end it, or keep what is there with “crm-backup interrupted ${id} --keep”.`,
      ];
    case 'failed':
      return [`${reason ?? what} It was begun on ${timeOf(startedAt)} and is tried again.`];
    case 'unreadable':
      return [`${reason} ${found.hint}`];
    case 'waiting':
      return [
        `${what}, and a folder of it is not there now; it is ended as soon as it is. Where that was only renamed, give it back its name. Where it was deleted for good, “crm-backup interrupted ${id} --keep” ends it.`,
      ];
    default:
      return [];
  }
}

/** The same, and what became of those that could be ended. */
export function recoveredSentence(found: Recovered): string[] {
  const { startedAt, outcome, directories, databases, spared, keptIn, reason } = found;
  const where = placesOf({ roots: directories.map((directory) => ({ directory })), databases }).join(', ');
  const what = `A restore of ${timeOf(startedAt)} in ${where} was interrupted; it was`;
  const left = spared.length === 0 ? '' : ` What was changed since stayed as it is: ${spared.join(', ')}.`;
  const kept = keptIn.length === 0 ? '' : ` What files were before it is kept in ${keptIn.join(', ')}.`;
  const open = reason === undefined ? '' : ` ${reason}`;
  if (outcome === 'finished') return [`${what} finished now.${left}${kept}${open}`];
  if (outcome === 'undone') return [`${what} taken back.${left}${kept}${open}`];
  return interruptedSentence(found);
}

function lowered(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
}

/** A moment as the sentences have it. */
export function timeOf(startedAt: string): string {
  return `${startedAt.slice(0, 16).replace('T', ' ')} UTC`;
}
