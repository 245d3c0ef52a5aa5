import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { decodeName, encodeName, systemPath } from '../../src/core/source/name.ts';
import { bareRecord } from './bare-record.ts';

/** What a folder holds, by path (`.` for itself): type, mode, time in ns, size and content of each thing. */
export type TreeSnapshot = Readonly<Record<string, string>>;

export interface SnapshotOptions {
  /** Whether times of change count. Default: yes. */
  readonly times?: boolean;
  /** Paths that do not count, with everything below them. */
  readonly except?: (path: string) => boolean;
}

/**
 * Everything about a folder that a backup must bring back, as plain text by path, so that two snapshots can be
 * compared with `toEqual` and the difference be read. Made without any of the product's scanning.
 */
export function snapshotTree(folder: string, options: SnapshotOptions = {}): TreeSnapshot {
  const snapshot = new Map<string, string>();
  const open = ['.'];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const file = systemPath(path === '.' ? folder : `${folder}/${path}`);
    const stat = lstatSync(file, { bigint: true });
    const mode = (Number(stat.mode) & 0o7777).toString(8).padStart(4, '0');
    const time = options.times === false ? '' : ` at ${stat.mtimeNs}`;
    if (stat.isDirectory()) {
      snapshot.set(path, `directory ${mode}${time}`);
      for (const entry of readdirSync(file, { encoding: 'buffer' })) {
        const name = decodeName(entry);
        const below = path === '.' ? name : `${path}/${name}`;
        if (!options.except?.(below)) open.push(below);
      }
    } else if (stat.isSymbolicLink()) {
      snapshot.set(path, `link${time} to ${decodeName(readlinkSync(file, { encoding: 'buffer' }))}`);
    } else if (stat.isFile()) {
      snapshot.set(path, `file ${mode}${time} ${contentOf(readFileSync(file))}`);
    } else {
      snapshot.set(path, 'special');
    }
  }
  return sorted(snapshot);
}

function contentOf(bytes: Buffer): string {
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}`;
}

function sorted(snapshot: ReadonlyMap<string, string>): TreeSnapshot {
  const inOrder = bareRecord<string>();
  for (const [path, what] of [...snapshot].sort(([a], [b]) => Buffer.compare(encodeName(a), encodeName(b))))
    inOrder[path] = what;
  return inOrder;
}
