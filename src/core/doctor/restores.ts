import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { restoresFolder } from '../restore/journal.ts';
import { stateOf } from '../restore/journals.ts';
import { homeOf, type Surroundings } from '../surroundings.ts';
import { type Check, passed, warned } from './check.ts';

/** Whether a restore was interrupted and waits to be finished. */
export function checkRestores(surroundings: Surroundings): Check {
  const folder = restoresFolder(homeOf(surroundings));
  const journals = namesIn(folder).map((name) => join(folder, name));
  const unreadable = journals.find((journal) => stateOf(journal) === 'unreadable');
  if (unreadable !== undefined) {
    return warned(
      'restores',
      `Whether a restore was interrupted is not known: its journal cannot be read (${unreadable}).`,
      'Run CRM Backup as the user it belongs to, or give it to yourself.',
    );
  }
  const unfinished = journals.filter((journal) => stateOf(journal) === 'abandoned');
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
