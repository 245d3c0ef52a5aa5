import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemPath } from '../../src/core/source/name.ts';

/** One thing in a tree. Paths are relative, `/` between names, foreign bytes as in `source/name.ts`. */
export type TreeItem =
  | {
      readonly type: 'file';
      readonly path: string;
      readonly content: Uint8Array | string;
      readonly mode?: number;
      readonly mtimeNs?: bigint;
    }
  | { readonly type: 'directory'; readonly path: string; readonly mode?: number; readonly mtimeNs?: bigint }
  | { readonly type: 'link'; readonly path: string; readonly target: string; readonly mtimeNs?: bigint }
  /** Another name of the file at `target`, which must come earlier in the tree. */
  | { readonly type: 'hard-link'; readonly path: string; readonly target: string };

/** A tree of files to make: parents may be left out, otherwise they come before what they contain. */
export type Tree = readonly TreeItem[];

/** A fresh folder that is removed when it goes out of scope: `await using folder = temporaryFolder()`. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes an empty folder below the system's folder for temporary files. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'crm-backup-test-'));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

/**
 * A tree in short: `{ 'a/b.txt': 'content', 'empty/': '', 'go': { link: 'a/b.txt' } }`. A key that ends with `/`
 * is a directory.
 */
export function treeOf(
  items: Readonly<Record<string, string | Uint8Array | { readonly link: string }>>,
): Tree {
  return Object.entries(items).map(([path, value]): TreeItem => {
    if (path.endsWith('/')) return { type: 'directory', path: path.slice(0, -1) };
    if (typeof value === 'object' && 'link' in value) return { type: 'link', path, target: value.link };
    return { type: 'file', path, content: value };
  });
}

/**
 * Makes a tree in a folder, which is created when it does not exist. Times are set as exactly as Node can, which
 * is to about 240 ns; what has no time given keeps the one of its making.
 */
export function makeTree(folder: string, tree: Tree): void {
  mkdirSync(folder, { recursive: true });
  for (const item of tree) {
    const path = systemPath(join(folder, item.path));
    mkdirSync(systemPath(dirname(join(folder, item.path))), { recursive: true });
    if (item.type === 'directory') mkdirSync(path, { recursive: true });
    else if (item.type === 'file') writeFileSync(path, item.content);
    else if (item.type === 'link') symlinkSync(systemPath(item.target), path);
    else linkSync(systemPath(join(folder, item.target)), path);
  }
  // Backwards, so that a directory gets its time after its content and its mode after it was written to.
  for (const item of tree.toReversed()) {
    if (item.type === 'hard-link') continue;
    const path = systemPath(join(folder, item.path));
    if (item.type !== 'link' && item.mode !== undefined) chmodSync(path, item.mode);
    if (item.mtimeNs !== undefined) setModified(path, item.mtimeNs);
  }
}

/** Sets the time of change of a file, directory or link, to about 240 ns. */
export function setModified(path: string | Buffer, mtimeNs: bigint): void {
  // Node takes negative numbers for “now”, negative text for what it says.
  const seconds = String(Number(mtimeNs) / 1e9);
  lutimesSync(path, seconds, seconds);
}
