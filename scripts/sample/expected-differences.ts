import { defaultExcludes } from '../../src/core/set/default-excludes.ts';
import { createFilter } from '../../src/core/set/match.ts';
import type { DiffOutput } from './command-line.ts';
import type { Snapshot } from './compare-trees.ts';

const prefix = 'files/workspace/';

/**
 * Holds what `diff` says against what really changed between two snapshots of the workspace: a line for every
 * file or link that changed and is not named, or is named and did not. Directories are not compared.
 */
export function checkDifferences(before: Snapshot, after: Snapshot, { entries }: DiffOutput): string[] {
  const really = changedPaths(before, after);
  const isDirectory = (path: string): boolean =>
    [before.get(path), after.get(path)].every((is) => is === undefined || is.startsWith('directory'));
  const told = new Set<string>();
  for (const { path, oldPath } of entries) {
    for (const each of [path, oldPath]) if (each !== undefined) told.add(withoutPrefix(each));
  }
  return [
    ...[...really].filter((path) => !told.has(path)).map((path) => `${path} changed and is not named`),
    ...[...told]
      .filter((path) => !really.has(path) && !isDirectory(path))
      .map((path) => `${path} is named and did not change`),
  ];
}

/** Paths of files and links that are backed up and differ in type, content, mode or time. */
function changedPaths(before: Snapshot, after: Snapshot): Set<string> {
  const filter = createFilter([], defaultExcludes);
  const changed = new Set<string>();
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(path);
    const is = after.get(path);
    const isFile = [was, is].some((entry) => entry !== undefined && !entry.startsWith('directory'));
    if (was !== is && isFile && filter.includes(path, false)) changed.add(path);
  }
  return changed;
}

function withoutPrefix(path: string): string {
  return path.startsWith(prefix) ? path.slice(prefix.length) : path;
}
