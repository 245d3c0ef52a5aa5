import { defaultExcludes } from '../../src/core/set/default-excludes.ts';
import { createFilter } from '../../src/core/set/match.ts';
import type { DiffOutput } from './command-line.ts';
import type { Snapshot } from './compare-trees.ts';

const prefix = 'files/workspace/';

/**
 * Holds what `diff` says against what really changed between two snapshots of the workspace: a line for every
 * file or link that changed and is not named, or is named and did not. Directories are not compared.
 */
export function checkDifferences(
  before: Snapshot,
  after: Snapshot,
  { entries }: Pick<DiffOutput, 'entries'>,
): string[] {
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

/**
 * Holds what `diff` says of rows against two snapshots of the database: a line for every table that is different and
 * not named, or named and not different, or whose rows do not add up.
 */
export function checkRows(
  before: Snapshot,
  after: Snapshot,
  { tables }: Pick<DiffOutput, 'tables'>,
): string[] {
  const rows = (snapshot: Snapshot, table: string): string[] => {
    const text = snapshot.get(`rows of ${table}`) ?? '';
    return text === '' ? [] : text.split('\n');
  };
  const names = [...before.keys(), ...after.keys()].flatMap(
    (key) => /^table (?!sqlite_)(.*)$/.exec(key)?.[1] ?? [],
  );
  return [...new Set(names)].flatMap((table) => {
    const told = tables.find((each) => each.table === table);
    const [was, is] = [rows(before, table), rows(after, table)];
    if (told === undefined)
      return was.join('\n') === is.join('\n') ? [] : [`rows of ${table} changed and it is not named`];
    const { added, changed, deleted, schemaChanged } = told;
    return [
      ...(added - deleted === is.length - was.length ? [] : [`the rows of ${table} do not add up`]),
      ...(added + changed + deleted > 0 || schemaChanged ? [] : [`${table} is named and did not change`]),
    ];
  });
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
