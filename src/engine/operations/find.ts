import { globTest } from '../../core/glob.ts';
import { findPaths as find } from '../../core/search.ts';
import type { Handler } from '../serve.ts';
import { reading, type Vaults } from '../vaults.ts';

/** Files of all backups of a set by their names. Folders are found by what is in them. */
export function findPaths(vaults: Vaults): Handler<'findPaths'> {
  return async ({ pattern, most, ...target }, task) => {
    const vault = await vaults.existing(await vaults.place(target));
    const { records, damaged } = await vaults.records(vault);
    const ofSet = records.filter(({ set }) => set === target.set);
    const unread = new Set(damaged.map(({ id }) => id));
    const matches = await reading(vault, async () =>
      find(vault, ofSet, testOf(pattern), task, ({ id }) => unread.add(id)),
    );
    return {
      unread: [...unread],
      matches: matches
        .filter(({ type }) => type !== 'directory')
        .slice(0, most)
        .map(({ path, size, newest, oldest }) => ({ path, size, newest: newest.id, oldest: oldest.id })),
    };
  };
}

function testOf(pattern: string): (path: string) => boolean {
  const wanted = pattern.toLowerCase();
  const contains = (path: string): boolean => shownPath(path).toLowerCase().includes(wanted);
  if (!/[*?[\]{}]/.test(pattern)) return contains;
  try {
    const matches = globTest(pattern);
    // A name may have such characters itself.
    return (path) => matches(path) || contains(path);
  } catch (error) {
    // While it is typed, a pattern is not always one.
    if (error instanceof SyntaxError) return contains;
    throw error;
  }
}

/** A path without what people do not see of it. */
function shownPath(path: string): string {
  return path.replace(/^files\/(?:workspace\/)?/, '');
}
