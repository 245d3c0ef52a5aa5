import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultExcludes } from '../src/core/set/default-excludes.ts';
import { createFilter } from '../src/core/set/match.ts';

/** How much a tree holds. */
export interface TreeSize {
  readonly files: number;
  readonly bytes: number;
}

interface Found {
  readonly path: string;
  /** Of a file; a link has none. */
  readonly bytes: number | undefined;
}

/**
 * All files and links below `root`, but for what this tool leaves out by default: so every tool is given the
 * same files, and none gains by storing fewer.
 */
function find(root: string): Found[] {
  const filter = createFilter([], defaultExcludes);
  const found: Found[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (!filter.includes(path, entry.isDirectory())) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() || entry.isSymbolicLink()) {
        found.push({ path, bytes: entry.isFile() ? lstatSync(join(root, path)).size : undefined });
      }
    }
  };
  visit('');
  return found;
}

/** Copies files and links with their modes and times into `target`, then the times of their directories. */
function copy(root: string, target: string, chosen: readonly Found[]): TreeSize {
  const directories = new Set<string>(['']);
  let files = 0;
  let bytes = 0;
  for (const { path, bytes: size } of chosen) {
    const parent = dirname(path) === '.' ? '' : dirname(path);
    if (!directories.has(parent)) {
      mkdirSync(join(target, parent), { recursive: true });
      for (let up = parent; up !== '.' && !directories.has(up); up = dirname(up)) directories.add(up);
    }
    const from = join(root, path);
    const to = join(target, path);
    const stat = lstatSync(from);
    if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(from), to);
      lutimesSync(to, stat.atime, stat.mtime);
    } else {
      copyFileSync(from, to);
      chmodSync(to, stat.mode & 0o777);
      utimesSync(to, stat.atime, stat.mtime);
      files += 1;
      bytes += size ?? 0;
    }
  }
  for (const directory of [...directories].sort().reverse()) {
    const stat = lstatSync(join(root, directory));
    utimesSync(join(target, directory), stat.atime, stat.mtime);
  }
  return { files, bytes };
}

/**
 * Copies about 31,000 small files of `/usr/share` into `target`, an existing empty directory: those up to
 * 160 KiB, in the order of the SHA-256 of their paths, so that the same machine always gives the same tree
 * and another a like one.
 */
export function copyShareSubset(target: string, source = '/usr/share'): TreeSize {
  const order = (path: string): string => createHash('sha256').update(path).digest('hex');
  const candidates = find(source)
    .filter(({ bytes }) => (bytes ?? 0) <= 160 * 1024)
    .map((found) => ({ ...found, order: order(found.path) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1));
  let files = 0;
  const last = candidates.findIndex(({ bytes }) => bytes !== undefined && ++files === 31_000);
  return copy(source, target, last < 0 ? candidates : candidates.slice(0, last + 1));
}

/** Copies a tree of the user's into `target`, an existing empty directory, so that the edits touch a copy. */
export function copyTree(source: string, target: string): TreeSize {
  return copy(source, target, find(source));
}

/**
 * Writes 100,000 small text files into `target`, an existing empty directory: as many as a large CRM has, to see
 * what the number alone costs in memory.
 */
export function createManyFiles(target: string): TreeSize {
  const files = 100_000;
  let bytes = 0;
  for (let index = 0; index < files; index += 1) {
    const folder = join(
      target,
      `group-${String(index % 100)}`,
      `folder-${String(Math.floor(index / 100) % 50)}`,
    );
    if (index < 5_000) mkdirSync(folder, { recursive: true });
    const text = `{ "record": ${String(index)}, "note": "${String(index * 7919).repeat(20)}" }\n`;
    writeFileSync(join(folder, `record-${String(index)}.json`), text);
    bytes += text.length;
  }
  return { files, bytes };
}
