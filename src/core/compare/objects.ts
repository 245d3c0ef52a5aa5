import { comparePaths } from '../vault/order.ts';
import type { DatabaseSide } from './rows-side.ts';

/** An object of a database – a view, a trigger, a routine … – that differs between two sides. */
export interface ObjectChange {
  /** In a backup: `databases/<name>/…`. */
  readonly path: string;
  readonly change: 'added' | 'modified' | 'deleted';
}

/**
 * What differs of a live database besides its tables, in order of paths. Streams are not compared.
 * @throws {VaultError} `damaged`, `missing-chunk`.
 */
export async function changedObjects(
  name: string,
  before: DatabaseSide,
  live: DatabaseSide,
): Promise<ObjectChange[]> {
  const changes: ObjectChange[] = [];
  for (const path of [...new Set([...before.objects, ...live.objects])].sort(comparePaths)) {
    if (live.streams.has(path)) continue;
    const change = await changeOf(path, before, live);
    if (change !== undefined) changes.push({ path: `databases/${name}/${path}`, change });
  }
  return changes;
}

async function changeOf(
  path: string,
  before: DatabaseSide,
  live: DatabaseSide,
): Promise<ObjectChange['change'] | undefined> {
  if (!before.objects.has(path)) return 'added';
  if (!live.objects.has(path)) return 'deleted';
  const [old, fresh] = [await wholeOf(before, path), await wholeOf(live, path)];
  return old.equals(fresh) ? undefined : 'modified';
}

/**
 * The text of an object; undefined where there is none.
 * @throws {VaultError} `damaged`, `missing-chunk`.
 */
export async function objectText(side: DatabaseSide | undefined, path: string): Promise<Buffer | undefined> {
  return side?.objects.has(path) === true ? wholeOf(side, path) : undefined;
}

async function wholeOf(side: DatabaseSide, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of side.read(path)) parts.push(part);
  return Buffer.concat(parts);
}
