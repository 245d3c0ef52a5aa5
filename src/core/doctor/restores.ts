import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAbandonedJournal, restoresFolder } from '../restore/journal.ts';
import { homeOf, type Surroundings } from '../surroundings.ts';
import { type Check, passed, warned } from './check.ts';

/** Whether a restore was interrupted and waits to be finished. */
export function checkRestores(surroundings: Surroundings): Check {
  const folder = restoresFolder(homeOf(surroundings));
  const unfinished = namesIn(folder).filter((name) => isAbandonedJournal(join(folder, name)) === true);
  if (unfinished.length === 0) return passed('restores', 'No restore was interrupted.');
  return warned(
    'restores',
    `${unfinished.length === 1 ? 'A restore was' : `${unfinished.length} restores were`} interrupted.`,
    'The next backup ends it where that overwrites nothing; “crm-backup interrupted” lists what waits for you.',
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((item) => item.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
