import { spawn } from 'node:child_process';
import { chmodSync, lchownSync, symlinkSync } from 'node:fs';
import { parentPath } from './selection.ts';
import { systemPath } from '../source/name.ts';
import type { Owner } from './file-writer.ts';
import { lookAt } from './live-tree.ts';

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

const BLOCK_BYTES = 512;
const SECOND = 1_000_000_000n;

/**
 * Sets times to the nanosecond, which Node cannot. GNU tar makes links anew with their times, and empty stand-ins of all
 * files and directories in `scratch`; GNU cp then carries the stand-ins' times over, thousands in one run. Where these
 * two are missing the times stay as near as Node came, less than a microsecond off. Directories that change on the way
 * keep their time. Throws nothing for times that could not be set.
 *
 * @param base the folder the items are in
 * @param scratch an absolute path of the same disk where nothing stands; it is left behind
 */
export async function setExactTimes(
  base: string,
  scratch: string,
  items: readonly TimedItem[],
): Promise<void> {
  if (process.platform !== 'linux') return;
  const times = new Map(items.map((item) => [item.path, item.mtimeNs]));
  // What stands between base and item is touched on the way: it gets the time it has.
  for (const { path } of items) {
    for (let way = parentPath(path); way !== undefined && !times.has(way); way = parentPath(way)) {
      times.set(way, lookAt(join(base, way))?.mtimeNs ?? 0n);
    }
  }
  const types = new Map(items.map((item) => [item.path, item.type]));
  const archive: Buffer[] = [];
  for (const [path, mtimeNs] of times) {
    const type = types.get(path) ?? 'directory';
    if (type !== 'link') archive.push(...member(join(scratch, path), type, mtimeNs));
  }
  for (const { path, type, mtimeNs, target } of items) {
    if (type === 'link') archive.push(...member(join(base, path), type, mtimeNs, target));
  }
  archive.push(Buffer.alloc(2 * BLOCK_BYTES));
  await run('tar', ['-x', '-P', '--no-same-owner', '--warning=none', '-f', '-'], Buffer.concat(archive));
  for (const { path, type, target = '', owner } of items) {
    if (type !== 'link') continue;
    const link = systemPath(join(base, path));
    // Should it have been stopped just there: a link may come back with another time, but not be lost.
    if (lookAt(join(base, path)) === undefined) symlinkSync(systemPath(target), link);
    if (owner !== undefined) lchownSync(link, owner.uid, owner.gid);
  }
  const locked = lockedFiles(base, items);
  for (const [file, mode] of locked) chmodSync(systemPath(file), mode | 0o200);
  await run('cp', ['-R', '-T', '--attributes-only', '--preserve=timestamps', '--', scratch, base], undefined);
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

/** Runs a program and waits for it; what becomes of it is seen by the times it has set. */
async function run(program: string, args: readonly string[], input: Buffer | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const child = spawn(program, args, {
      // Names are bytes to them then.
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.on('error', () => resolve());
    child.on('close', () => resolve());
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

const FLAGS = { file: '0', link: '2', directory: '5' } as const;

/** A member of a tar archive, its time in a pax header, long names in GNU's. */
function member(path: string, type: TimedItem['type'], mtimeNs: bigint, target = ''): Buffer[] {
  const name = bytesOf(path);
  const link = bytesOf(target);
  const parts: Buffer[] = [];
  if (name.length > 99) parts.push(...extension('L', Buffer.concat([name, ZERO])));
  if (link.length > 99) parts.push(...extension('K', Buffer.concat([link, ZERO])));
  parts.push(...extension('x', Buffer.from(paxRecord('mtime', decimal(mtimeNs)))));
  parts.push(header(name, FLAGS[type], 0, link, type === 'directory' ? '0000700' : '0000600'));
  return parts;
}

const ZERO = Buffer.alloc(1);

function bytesOf(path: string): Buffer {
  const system = systemPath(path);
  return typeof system === 'string' ? Buffer.from(system) : system;
}

function extension(flag: string, content: Buffer): Buffer[] {
  const padding = Buffer.alloc(-content.length & (BLOCK_BYTES - 1));
  return [header(Buffer.from('././@LongLink'), flag, content.length, ZERO, '0000644'), content, padding];
}

function header(name: Buffer, flag: string, size: number, link: Buffer, mode: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  name.copy(block, 0, 0, 99);
  block.write(mode, 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136);
  block.write(flag, 156);
  link.copy(block, 157, 0, 99);
  block.write('ustar\0' + '00', 257, 'latin1');
  block.fill(' ', 148, 156);
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += block[at]!;
  block.write(`${sum.toString(8).padStart(6, '0')}\0`, 148, 'latin1');
  return block;
}

/** A pax record begins with its own length in bytes. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function decimal(mtimeNs: bigint): string {
  const size = mtimeNs < 0n ? -mtimeNs : mtimeNs;
  const text = `${size / SECOND}.${String(size % SECOND).padStart(9, '0')}`;
  return mtimeNs < 0n ? `-${text}` : text;
}
