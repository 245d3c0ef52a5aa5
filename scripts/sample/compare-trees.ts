import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What a tree holds: path relative to its root → everything about it that a restore must bring back. */
export type Snapshot = ReadonlyMap<string, string>;

/** What counts when trees are compared. Everything does unless told otherwise. */
export interface SnapshotOptions {
  /** Whether the root's own mode and time count; some tools do not restore them. */
  readonly root?: boolean;
  /** Whether modification times count, to the nanosecond. */
  readonly times?: boolean;
}

/** Reads a whole tree: type, mode, mtime (ns), and the SHA-256 of every file or the target of every link. */
export function snapshotTree(root: string, options: SnapshotOptions = {}): Snapshot {
  const entries = new Map<string, string>();
  const visit = (path: string): void => {
    const absolute = path === '' ? root : join(root, path);
    const stat = lstatSync(absolute, { bigint: true });
    const mode = (Number(stat.mode) & 0o7777).toString(8);
    const time = options.times === false ? '' : ` ${String(stat.mtimeNs)}`;
    if (stat.isDirectory()) {
      if (path !== '' || options.root !== false) entries.set(path, `directory ${mode}${time}`);
      for (const name of readdirSync(absolute).sort()) visit(path === '' ? name : `${path}/${name}`);
    } else if (stat.isSymbolicLink()) {
      entries.set(path, `link → ${readlinkSync(absolute)}`);
    } else if (stat.isFile()) {
      const hash = createHash('sha256').update(readFileSync(absolute)).digest('hex');
      entries.set(path, `file ${mode}${time} ${hash}`);
    }
  };
  visit('');
  return entries;
}

/** Tells in a line each how `actual` differs from `expected`; empty when the trees are identical. */
export function compareTrees(expected: Snapshot, actual: Snapshot): string[] {
  const differences: string[] = [];
  for (const [path, is] of expected) {
    const other = actual.get(path);
    if (other === undefined) differences.push(`${path || '.'}: missing (${is})`);
    else if (other !== is) differences.push(`${path || '.'}: ${is} became ${other}`);
  }
  for (const [path, is] of actual) {
    if (!expected.has(path)) differences.push(`${path || '.'}: not expected (${is})`);
  }
  return differences;
}
