import { isAbsolute, relative, sep } from 'node:path';
import { comparePaths, isWithin } from '../vault/order.ts';
import { lookAt } from './live-tree.ts';
import type { TargetRoot } from './prepare-root.ts';
import type { Adjustment, NewEntry, Placement, Removal, RootPlan } from './root-plan.ts';
import { parentPath } from './selection.ts';

/**
 * Makes one of roots that lie in each other, or in one place, where what one of them moves holds or is what another
 * does: each of them would find that the other has changed it. What both have is done once.
 * @param targets roots with plans that were made each by itself
 */
export function mergeRoots(targets: readonly TargetRoot[]): TargetRoot[] {
  const merged: TargetRoot[] = [];
  const byDepth = targets.toSorted((a, b) => a.directory.length - b.directory.length);
  for (const target of byDepth) {
    const at = merged.findIndex((outer) => meets(outer, target));
    if (at < 0) merged.push(target);
    else merged[at] = withInner(merged[at]!, target);
  }
  // A root that has nothing of its own left stays out; the others keep their order.
  const order = (one: TargetRoot): number => targets.findIndex(({ root }) => root === one.root);
  return merged.sort((a, b) => order(a) - order(b));
}

/** Where a folder is in another one; undefined when it is not. */
function placeIn(outer: string, inner: string): string | undefined {
  const way = relative(outer, inner);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return undefined;
  return way.split(sep).join('/');
}

function meets(outer: TargetRoot, inner: TargetRoot): boolean {
  const place = placeIn(outer.directory, inner.directory);
  if (place === undefined) return false;
  if (place === '') return true;
  const { placements, removals } = outer.plan;
  const moved = [...placements, ...removals].map(({ path }) => path);
  if (moved.some((path) => isWithin(place, path))) return true;
  const isMoved = moved.some((path) => isWithin(path, place));
  // What is mounted there has to be staged there.
  return isMoved && lookAt(outer.directory)?.device === lookAt(inner.directory)?.device;
}

function withInner(outer: TargetRoot, inner: TargetRoot): TargetRoot {
  const place = placeIn(outer.directory, inner.directory)!;
  const { plan } = inner;
  const placements = new Map(outer.plan.placements.map((one) => [one.path, one]));
  const around = (path: string): Placement | undefined => {
    for (let way: string | undefined = path; way !== undefined; way = parentPath(way)) {
      const placement = placements.get(way);
      if (placement !== undefined) return placement;
    }
    return undefined;
  };
  const more = new Map<Placement, NewEntry[]>();
  const above = around(place);
  if (above !== undefined) more.set(above, foldersTo(place, above, plan));
  const free: Placement[] = [];
  for (const one of plan.placements) {
    const path = join(place, one.path);
    const entries = one.entries.map((entry) => ({ ...entry, path: join(place, entry.path) }));
    const holder = around(path);
    if (holder === undefined) free.push({ ...one, path, entries });
    else more.set(holder, [...(more.get(holder) ?? []), ...entries]);
  }
  for (const [holder, entries] of more) placements.set(holder.path, withEntries(holder, entries));
  for (const one of free) placements.set(one.path, one);
  const isIn = (path: string): boolean => around(parentPath(path) ?? '') !== undefined;
  const placed = [...placements.values()]
    .filter(({ path }) => !isIn(path))
    .sort((a, b) => comparePaths(a.path, b.path));
  const isPlaced = ({ path }: { readonly path: string }): boolean => around(path) !== undefined;
  const removals = withoutInner(
    [
      ...outer.plan.removals.filter(({ path }) => !isWithin(place, path)),
      ...plan.removals.map((one) => ({ ...one, path: join(place, one.path) })),
    ].filter((one) => !isPlaced(one) && !placed.some(({ path }) => isWithin(path, one.path))),
  );
  const adjusted = new Map<string, Adjustment>();
  for (const one of plan.adjustments) {
    const path = join(place, one.path);
    adjusted.set(path, { ...one, path });
  }
  for (const one of outer.plan.adjustments) adjusted.set(one.path, one);
  const adjustments = [...adjusted.values()]
    .filter((one) => one.path === '' || !isPlaced(one))
    .sort((a, b) => comparePaths(b.path, a.path));
  return { ...outer, plan: { ...outer.plan, placements: placed, removals, adjustments } };
}

/** Adds entries that a placement does not have, where they can be in it. */
function withEntries(placement: Placement, entries: readonly NewEntry[]): Placement {
  const all = new Map(placement.entries.map((entry) => [entry.path, entry]));
  for (const entry of entries) {
    if (all.has(entry.path)) continue;
    const folder = all.get(parentPath(entry.path) ?? '');
    if (folder?.type === 'directory') all.set(entry.path, entry);
  }
  return { ...placement, entries: [...all.values()].sort((a, b) => comparePaths(a.path, b.path)) };
}

/** The folder of a root that has to be made and those around it, as far as the placement around does not make them. */
function foldersTo(place: string, { path: top }: Placement, { adjustments }: RootPlan): NewEntry[] {
  const after = adjustments.find(({ path }) => path === '')?.after;
  const folders: NewEntry[] = [];
  for (let way = place; after !== undefined && way !== top; way = parentPath(way)!) {
    const marks = way === place ? after : { ...after, mode: 0o755 };
    folders.unshift({
      path: way,
      type: 'directory',
      size: 0,
      ...marks,
      chunks: Buffer.alloc(0),
      target: undefined,
    });
  }
  return folders;
}

/** What is removed with something around it is not removed by itself. */
function withoutInner(removals: readonly Removal[]): Removal[] {
  const all = new Map(removals.map((one) => [one.path, one]));
  const isInner = ({ path }: Removal): boolean => {
    for (let way = parentPath(path); way !== undefined; way = parentPath(way)) if (all.has(way)) return true;
    return false;
  };
  return [...all.values()].filter((one) => !isInner(one));
}

function join(place: string, path: string): string {
  if (place === '') return path;
  return path === '' ? place : `${place}/${path}`;
}
