import { join } from 'node:path';
import { lockLive } from '../live-lock.ts';
import type { SecretSource } from '../surroundings.ts';
import type { Task } from '../task.ts';
import { restoresFolder } from './journal.ts';
import type { JournalHeader } from './journal-entries.ts';
import { headerOf, stateOf } from './journals.ts';
import { type Decision, endRestore, type Recovered } from './recover.ts';
import { beingWorkedOn, notInterrupted } from './unfinished.ts';

/**
 * What the journal of a restore says at its beginning that nobody works on.
 * @throws {RestoreError} `not-interrupted`, `locked`
 */
export function leftRestore(home: string, id: string): JournalHeader {
  const journal = join(restoresFolder(home), id);
  const state = stateOf(journal);
  if (state === 'at-work') throw beingWorkedOn(id);
  const header = state === 'abandoned' ? headerOf(journal) : undefined;
  if (header === undefined) throw notInterrupted(id);
  return header;
}

/**
 * Ends one interrupted restore as {@link endRestore} does, while nobody else reads or changes what it works on.
 * @throws {InUseError}, {StorageError}, {CancelledError}; else what {@link endRestore} throws
 */
export async function endAlone(
  home: string,
  id: string,
  decision: Decision,
  secret: SecretSource | undefined,
  task: Task,
): Promise<Recovered> {
  const { over = [] } = leftRestore(home, id);
  await using _lock = await lockLive(home, over, 'exclusive', 'the end of an interrupted restore', task);
  return await endRestore(home, id, decision, secret);
}
