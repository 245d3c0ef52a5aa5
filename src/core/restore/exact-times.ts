import { spawn } from 'node:child_process';
import { chmodSync, lchownSync, rmSync, symlinkSync } from 'node:fs';
import { systemPath } from '../source/name.ts';
import { comparePaths } from '../vault/order.ts';
import { splitTime } from './file-time.ts';
import type { Owner } from './file-writer.ts';
import { lookAt } from './live-tree.ts';
import { RestoreError } from './error.ts';
import { parentPath } from './selection.ts';
import { TarExtraction } from './tar-extraction.ts';
import { tarBytes, writeMember } from './tar-member.ts';

/** Something whose time Node cannot set exactly. */
export interface TimedItem {
  /** Relative to the folder all of them are in. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly mtimeNs: bigint;
  /** Where a link points. */
  readonly target?: string | undefined;
  /** To whom a link belongs, when that is somebody else. */
  readonly owner?: Owner | undefined;
}

/** So many are done at once: their archive stays small. */
const ITEMS_AT_ONCE = 4096;

/**
 * Sets times to the nanosecond, which Node cannot. GNU tar makes links anew with their times, and empty stand-ins of all
 * files and directories in `scratch`; GNU cp then carries the stand-ins' times over, thousands in one run. Where these
 * two are missing the times stay as near as Node came, less than a microsecond off. Directories that change on the way
 * keep their time. Throws nothing for times that could not be set.
 *
 * @param base the folder the items are in
 * @param scratch an absolute path where nothing stands
 */
export async function setExactTimes(
  base: string,
  scratch: string,
  items: readonly TimedItem[],
): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let at = 0; at < items.length; at += ITEMS_AT_ONCE) {
    const some = items.slice(at, at + ITEMS_AT_ONCE);
    if (!(await makeStandIns(base, scratch, some))) return;
    await carryOver(base, scratch, some);
    rmSync(systemPath(scratch), { recursive: true, force: true });
  }
}

async function makeStandIns(base: string, scratch: string, items: readonly TimedItem[]): Promise<boolean> {
  // The folders around an item are touched on the way: they get the time that they have or are to have.
  const folders = new Map<string, bigint>();
  for (const { path, type, mtimeNs } of items) if (type === 'directory') folders.set(path, mtimeNs);
  for (const { path } of items) {
    for (let way = parentPath(path); way !== undefined && !folders.has(way); way = parentPath(way)) {
      folders.set(way, lookAt(join(base, way))?.mtimeNs ?? 0n);
    }
  }
  const standIns: TimedItem[] = [...folders].map(([path, mtimeNs]) => ({ path, type: 'directory', mtimeNs }));
  standIns.push(...items.filter(({ type }) => type === 'file'));
  // Once tar has left a directory it sets its time: nothing may come into it later.
  standIns.sort((a, b) => comparePaths(a.path, b.path));
  const archive = encode(base, scratch, [...standIns, ...items.filter(({ type }) => type === 'link')]);
  try {
    await using tar = new TarExtraction();
    await tar.write(archive);
    await tar.end();
  } catch (error) {
    if (!(error instanceof RestoreError)) throw error;
    mendLinks(base, items);
    return false;
  }
  mendLinks(base, items);
  return true;
}

/** Links come as they are into `base`, all else without content into `scratch`. */
function encode(base: string, scratch: string, items: readonly TimedItem[]): Buffer {
  const longest = Math.max(base.length, scratch.length) + 1;
  let most = 0;
  for (const { path, target = '' } of items)
    most += tarBytes(longest + path.length, 3 * target.length + 1024);
  const archive = Buffer.allocUnsafe(most);
  let at = 0;
  for (const { path, type, mtimeNs, target, owner } of items) {
    at = writeMember(archive, at, {
      path: join(type === 'link' ? base : scratch, path),
      type,
      mode: type === 'directory' ? 0o700 : 0o600,
      uid: owner?.uid ?? process.geteuid?.() ?? 0,
      gid: owner?.gid ?? process.getegid?.() ?? 0,
      ...splitTime(mtimeNs),
      target,
    });
  }
  return archive.subarray(0, at);
}

/** Should tar have been stopped just there: a link may come back with another time, but not be lost. */
function mendLinks(base: string, items: readonly TimedItem[]): void {
  for (const { path, type, target = '', owner } of items) {
    if (type !== 'link' || lookAt(join(base, path)) !== undefined) continue;
    const link = systemPath(join(base, path));
    symlinkSync(systemPath(target), link);
    if (owner !== undefined) lchownSync(link, owner.uid, owner.gid);
  }
}

async function carryOver(base: string, scratch: string, items: readonly TimedItem[]): Promise<void> {
  const locked = lockedFiles(base, items);
  for (const [file, mode] of locked) chmodSync(systemPath(file), mode | 0o200);
  const args = ['-R', '-T', '--attributes-only', '--preserve=timestamps', '--', scratch, base];
  await new Promise<void>((resolve) => {
    const child = spawn('cp', args, { stdio: 'ignore' });
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
  for (const [file, mode] of locked) chmodSync(systemPath(file), mode);
}

/** Files their own user may not write, which cp cannot open; root opens everything. */
function lockedFiles(base: string, items: readonly TimedItem[]): [string, number][] {
  if (process.geteuid?.() === 0) return [];
  return items.flatMap(({ path, type }): [string, number][] => {
    const live = type === 'file' ? lookAt(join(base, path)) : undefined;
    return live !== undefined && (live.mode & 0o200) === 0 ? [[join(base, path), live.mode]] : [];
  });
}

function join(base: string, path: string): string {
  return path === '' ? base : `${base}/${path}`;
}
