import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { homeOf } from '../core/surroundings.ts';
import { printable } from './printable.ts';
import { formatTime } from './quantity.ts';
import type { Session } from './session.ts';
import { shortId } from './shown-record.ts';

/** Brings restores that were interrupted to their end and tells what became of them. Throws what that throws. */
export async function finishRestores(session: Session): Promise<void> {
  const home = homeOf(session.surroundings);
  // Mostly there was never a restore, and its code need not be loaded.
  if (!existsSync(join(home, 'restores'))) return;
  const { recoverRestores } = await import('../core/restore/recover.ts');
  for (const { backup, startedAt, directories, outcome, journal } of await recoverRestores(home)) {
    const where = directories.map(printable).join(', ');
    const what = `the restore of ${shortId(backup)} from ${formatTime(startedAt)} was interrupted`;
    if (outcome === 'waiting') {
      const gone = `if that is gone for good, remove ${printable(journal)}`;
      session.warn(`${what} in ${where}, which is not there now; it is ended as soon as it is; ${gone}.`);
      continue;
    }
    const then = outcome === 'finished' ? 'finished now' : 'taken back';
    session.warn(`${what}; it was ${then} in ${where}.`);
  }
}
