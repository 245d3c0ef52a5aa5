import { lstatSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../scripts/sample/random.ts';

/**
 * Changes one in two hundred files of a tree, each in one place as an editor does: a line put in, or a few bytes
 * replaced. The same tree gets the same edits.
 *
 * @returns how many files were changed, and what takes the edits back, times included
 */
export function editTree(tree: string): { readonly files: number; readonly undo: () => void } {
  const random = createRandom('edits');
  const changed: {
    readonly path: string;
    readonly before: Buffer;
    readonly atime: Date;
    readonly mtime: Date;
  }[] = [];
  const paths = readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const path of paths) {
    if (!random.oneIn(200)) continue;
    const { atime, mtime } = lstatSync(path);
    const before = readFileSync(path);
    const at = random.integer(0, before.length);
    const line = Buffer.from(`edited ${String(random.integer(0, 1e9))}\n`);
    const rest = before.subarray(random.oneIn(2) ? at : at + line.length);
    writeFileSync(path, Buffer.concat([before.subarray(0, at), line, rest]));
    changed.push({ path, before, atime, mtime });
  }
  return {
    files: changed.length,
    undo() {
      for (const { path, before, atime, mtime } of changed) {
        writeFileSync(path, before);
        utimesSync(path, atime, mtime);
      }
    },
  };
}
