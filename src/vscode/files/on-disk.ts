import path from 'node:path';
import * as vscode from 'vscode';
import type { SetState } from '../../engine/protocol.ts';

type Roots = SetState['roots'];

/** The file on disk that an entry `files/<root>/…` is of; undefined where it is none or its name is no text. */
export function fileOfEntry(roots: Roots, entry: string): vscode.Uri | undefined {
  const [kind, name, ...below] = entry.split('/');
  const root = roots.find((each) => each.name === name);
  // A URI is made of characters; what is no UTF-8 on the disk cannot be told in one.
  if (kind !== 'files' || root === undefined || /[\ud800-\udfff]/u.test(entry)) return undefined;
  return vscode.Uri.file(path.join(root.directory, ...below));
}

/** The entry `files/<root>/…` that a file is in a set, as far as its folder tells. Of roots within each other the inner one counts. */
export function entryOfFile(roots: Roots, file: string): string | undefined {
  let best: { readonly root: string; readonly below: string } | undefined;
  for (const { name, directory } of roots) {
    const below = belowOf(directory, file);
    if (below === undefined || (best !== undefined && below.length >= best.below.length)) continue;
    best = { root: name, below };
  }
  return best && `files/${best.root}/${best.below}`;
}

function belowOf(directory: string, file: string): string | undefined {
  const relative = path.relative(directory, file);
  const leadsOut = relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
  return relative === '' || leadsOut ? undefined : relative.replaceAll(path.sep, '/');
}
