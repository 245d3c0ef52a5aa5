import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';

/**
 * Where a set stands in the text of a set file: its key, where it has that, else its name. Without a name, the key in
 * the first set that has it. An offset; 0 where there is nothing of the kind. Pure; a text with mistakes is taken as far
 * as it can be read.
 */
export function placeInSetFile(text: string, set: string | undefined, key: 'name' | 'schedule'): number {
  const tree = parseTree(text);
  const sets = (tree && findNodeAtLocation(tree, ['sets'])?.children) ?? [];
  const meant = sets.filter((one) => set === undefined || findNodeAtLocation(one, ['name'])?.value === set);
  const keys = set === undefined ? [key] : [key, 'name'];
  const [place] = keys.flatMap((each) => meant.flatMap((one) => propertyOf(one, each) ?? []));
  return place?.offset ?? 0;
}

function propertyOf(object: Node, key: string): Node | undefined {
  return findNodeAtLocation(object, [key])?.parent;
}
