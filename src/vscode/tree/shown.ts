import { latestOf } from '../../core/latest.ts';
import { formatRatio } from '../format.ts';
import type { Node, PeriodNode, SetNode } from './nodes.ts';
import { nodeKey } from './nodes.ts';

/** The upper lines of the tree as they were last made: those at the top, and those directly below sets. */
export interface Shown {
  readonly roots: readonly Node[];
  /** By the key of the set. */
  readonly below: ReadonlyMap<string, readonly Node[]>;
}

/**
 * The lines that have to be drawn anew so that what was shown becomes what is: a line stands for all below it. 'all' when
 * lines at the top have come or gone. Pure.
 */
export function changedNodes(before: Shown, after: Shown): readonly Node[] | 'all' {
  if (!haveSameKeys(before.roots, after.roots)) return 'all';
  return after.roots.flatMap((root, at) => {
    const key = nodeKey(root);
    const [old, fresh] = [before.below.get(key) ?? [], after.below.get(key) ?? []];
    if (!isSameLine(before.roots[at]!, root) || !haveSameKeys(old, fresh)) return [root];
    return fresh.flatMap((node, place) => changedBelow(old[place]!, node));
  });
}

function changedBelow(before: Node, after: Node): readonly Node[] {
  if (before.type !== 'period' || after.type !== 'period') return isSameLine(before, after) ? [] : [after];
  const isSame = before.first === after.first && haveSameIds(before, after);
  if (!isSame) return [after];
  const { workspace, set } = after;
  return after.backups
    .filter((summary, at) => summary !== before.backups[at])
    .map((summary) => ({ type: 'backup', workspace, set, backup: summary.id, summary }));
}

function haveSameIds(a: PeriodNode, b: PeriodNode): boolean {
  return a.backups.length === b.backups.length && a.backups.every(({ id }, at) => id === b.backups[at]?.id);
}

function haveSameKeys(a: readonly Node[], b: readonly Node[]): boolean {
  return a.length === b.length && a.every((node, at) => nodeKey(node) === nodeKey(b[at]!));
}

function isSameLine(a: Node, b: Node): boolean {
  if (a.type === 'set' && b.type === 'set') return lineOf(a) === lineOf(b);
  return JSON.stringify(a) === JSON.stringify(b);
}

/** All that a set's own line tells: of its backups only the latest, and how many there are; the ratio as it is shown. */
function lineOf({ state: { backups, ratio, ...state }, folderName }: SetNode): string {
  const shownRatio = ratio === null ? null : formatRatio(ratio);
  return JSON.stringify([state, shownRatio, latestOf(backups), backups.length, folderName]);
}
