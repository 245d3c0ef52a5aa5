import type { Problem } from '../../core/problem.ts';
import type { EntryChange } from '../../engine/protocol.ts';

/**
 * What is changed after a second look at some paths: their changes, and what they contain, take the place of those known
 * before; without paths everything does. Folders are left out. Pure.
 */
export function withChangesAt(
  known: readonly EntryChange[],
  paths: readonly string[],
  seen: readonly EntryChange[],
): readonly EntryChange[] {
  const fresh = seen.filter(({ type }) => type !== 'directory');
  if (paths.length === 0) return fresh;
  const kept = known.filter(({ path }) => !isAtOrBelow(path, paths));
  return [...kept, ...fresh].sort(byPath);
}

/** The same for what could not be read. Pure. */
export function withProblemsAt(
  known: readonly Problem[],
  paths: readonly string[],
  seen: readonly Problem[],
): readonly Problem[] {
  if (paths.length === 0) return seen;
  const again = new Set(seen.map(({ path }) => path));
  return [...known.filter(({ path }) => !again.has(path) && !isAtOrBelow(path, paths)), ...seen];
}

function isAtOrBelow(path: string, others: readonly string[]): boolean {
  return others.some((each) => path === each || path.startsWith(`${each}/`));
}

/** The order of lists of entries: what is in a folder comes directly after it. Pure. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  if (a.path === b.path) return 0;
  return a.path.replaceAll('/', '\0') < b.path.replaceAll('/', '\0') ? -1 : 1;
}
