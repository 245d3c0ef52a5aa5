import type { EntryChange } from '../core/compare/change.ts';
import type { HistoryError } from '../core/history/error.ts';
import type { Vault } from '../core/vault/vault.ts';
import type { Session } from './session.ts';

/**
 * Makes one `renamed` of each file that was deleted in one place and added in another. Without git only those are found
 * whose content stayed the same, and a hint says so.
 */
export async function withRenames(
  vault: Vault,
  set: string,
  changes: readonly EntryChange[],
  session: Session,
): Promise<EntryChange[]> {
  const { historyOf } = await import('../core/history.ts');
  const { findRenamesIfPossible } = await import('../core/history/renames.ts');
  const repository = historyOf(session.surroundings, vault, set);
  const { changes: paired, hint } = await findRenamesIfPossible(repository, vault, changes, session.task);
  if (hint !== undefined)
    tellPlain(hint, 'files that were renamed and changed are told as deleted and added', session);
  return paired;
}

/** Says that git had no part in an answer, and what that means. */
export function tellPlain({ message, hint }: HistoryError, consequence: string, session: Session): void {
  session.warn(`${message.replace(/\.$/, '')}, so ${consequence}.${hint === undefined ? '' : ` ${hint}`}`);
}
