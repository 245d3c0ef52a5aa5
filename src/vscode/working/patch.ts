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
  const isSeen = (path: string): boolean =>
    paths.some((each) => path === each || path.startsWith(`${each}/`));
  const kept = known.filter(({ path }) => !isSeen(path));
  return [...kept, ...fresh].sort((a, b) => compare(inOrder(a.path), inOrder(b.path)));
}

/** As in lists of entries: what is in a folder comes directly after it. */
function inOrder(path: string): string {
  return path.replaceAll('/', '\0');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
