import fc from 'fast-check';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { decodeName, encodeName, systemPath } from '../../src/core/source/name.ts';
import { randomContent, randomName, randomTime } from './random-tree.ts';
import { setModified } from './tree.ts';

/** One change to a live folder. `pick` and `other` choose among what is there, so every edit fits every tree. */
export interface Edit {
  readonly kind:
    | 'create'
    | 'mkdir'
    | 'link'
    | 'overwrite'
    | 'overwrite-in-place'
    | 'append'
    | 'truncate'
    | 'touch'
    | 'chmod'
    | 'rename'
    | 'delete'
    | 'become-directory'
    | 'become-file';
  readonly pick: number;
  readonly other: number;
  readonly name: string;
  readonly content: Buffer;
  readonly mtimeNs: bigint;
}

/** Lists of edits for {@link editTree}. */
export function randomEdits(
  options: { oddNames?: boolean; edits?: number } = {},
): fc.Arbitrary<readonly Edit[]> {
  const edit = fc.record<Edit>({
    kind: fc.constantFrom(
      'create',
      'mkdir',
      'link',
      'overwrite',
      'overwrite-in-place',
      'append',
      'truncate',
      'touch',
      'chmod',
      'rename',
      'delete',
      'become-directory',
      'become-file',
    ),
    pick: fc.nat(100),
    other: fc.nat(100),
    name: randomName(options.oddNames),
    content: randomContent(),
    mtimeNs: randomTime(),
  });
  return fc.array(edit, { minLength: 1, maxLength: options.edits ?? 8, size: 'max' });
}

/** Changes a live folder. An edit that finds nothing to work on, or its place taken, does nothing. */
export function editTree(folder: string, edits: readonly Edit[]): void {
  for (const edit of edits) {
    const { files, directories, all } = contentsOf(folder);
    const file = choose(files, edit.pick);
    const anything = choose(all, edit.pick);
    const place = `${choose(directories, edit.other) ?? folder}/${edit.name}`;
    const free = !exists(place);
    if (edit.kind === 'create' && free) writeFileSync(systemPath(place), edit.content);
    else if (edit.kind === 'mkdir' && free) mkdirSync(systemPath(place));
    else if (edit.kind === 'link' && free) symlinkSync(systemPath(edit.name), systemPath(place));
    else if (
      edit.kind === 'rename' &&
      free &&
      anything !== undefined &&
      !`${place}/`.startsWith(`${anything}/`)
    )
      renameSync(systemPath(anything), systemPath(place));
    else if (edit.kind === 'touch' && anything !== undefined) setModified(systemPath(anything), edit.mtimeNs);
    else if (edit.kind === 'delete' && anything !== undefined) remove(anything);
    else if (edit.kind === 'become-directory' && file !== undefined) {
      remove(file);
      mkdirSync(systemPath(file));
      writeFileSync(systemPath(`${file}/${edit.name}`), edit.content);
    } else if (edit.kind === 'become-file' && anything !== undefined) {
      remove(anything);
      writeFileSync(systemPath(anything), edit.content);
    } else if (file !== undefined) editFile(systemPath(file), edit);
  }
}

function editFile(file: string | Buffer, edit: Edit): void {
  const { size, mode } = lstatSync(file);
  chmodSync(file, mode | 0o600);
  if (edit.kind === 'overwrite') writeFileSync(file, edit.content);
  else if (edit.kind === 'append') appendFileSync(file, edit.content);
  else if (edit.kind === 'truncate') truncateSync(file, edit.other % (size + 1));
  else if (edit.kind === 'chmod') chmodSync(file, edit.other % 2 === 0 ? 0o600 : 0o755);
  else if (edit.kind === 'overwrite-in-place' && size > 0) {
    const bytes = readFileSync(file);
    const at = edit.other % size;
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
  }
}

function contentsOf(folder: string): { files: string[]; directories: string[]; all: string[] } {
  const files: string[] = [];
  const directories = [folder];
  const all: string[] = [];
  for (const directory of directories) {
    const names = readdirSync(systemPath(directory), { encoding: 'buffer' }).sort((a, b) =>
      Buffer.compare(a, b),
    );
    for (const name of names) {
      const path = `${directory}/${decodeName(name)}`;
      const stat = lstatSync(systemPath(path));
      all.push(path);
      if (stat.isFile()) files.push(path);
      if (stat.isDirectory()) directories.push(path);
    }
  }
  return { files, directories, all };
}

function choose(from: readonly string[], pick: number): string | undefined {
  return from[pick % Math.max(from.length, 1)];
}

function remove(path: string): void {
  rmSync(systemPath(path), { recursive: true, force: true });
}

function exists(path: string): boolean {
  return lstatSync(encodeName(path), { throwIfNoEntry: false }) !== undefined;
}
