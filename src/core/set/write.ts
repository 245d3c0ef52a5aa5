import { randomBytes } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import path from 'node:path';
import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import { CrmBackupError, systemCode } from '../errors.ts';
import type { NewSet } from './definition.ts';
import { SetError } from './error.ts';
import { onSeveralLines } from './layout.ts';
import { readSetFile, setFilePath } from './load.ts';
import { parseSetFile } from './parse.ts';
import { foldedName, toSegment } from './segment.ts';

const HEADER = '// What CRM Backup backs up in this workspace. Shared in git: no passwords here.\n';

/** The set to begin with: the whole workspace without what is left out by default. */
export function defaultSet(workspaceName: string): NewSet {
  return { name: toSegment(workspaceName, 'workspace'), files: [{ root: '.' }] };
}

/**
 * Adds a set to a workspace's set file and makes the file when there is none; comments and layout stay. Returns
 * the file's path. The file is replaced in one step: whatever happens, it is the old or the new one.
 *
 * Throws {@link SetError}: `set-exists`, `invalid-set-file` when the file or the new set has mistakes,
 * `set-file-unreadable`, `set-file-unwritable`. Then nothing has changed.
 */
export async function addSet(workspace: string, set: NewSet): Promise<string> {
  return writeSet(workspace, set, rename);
}

/**
 * Does what {@link addSet} does, but for the last step: what would go wrong is known before anything else is made for the
 * set. Throws as {@link addSet}.
 */
export async function rehearseAddSet(workspace: string, set: NewSet): Promise<void> {
  await writeSet(workspace, set, unlink);
}

/** `finish` is what becomes of the new file beside the old one. */
async function writeSet(
  workspace: string,
  set: NewSet,
  finish: (written: string, target: string) => Promise<void>,
): Promise<string> {
  const file = setFilePath(workspace);
  const before = await existingText(workspace);
  const text = withSet(before, set);
  try {
    if (before === undefined) await mustBeNoLink(file);
    await replaceFile(file, text, finish);
  } catch (error) {
    if (error instanceof CrmBackupError) throw error;
    throw new SetError(
      'set-file-unwritable',
      `The set file ${file} cannot be written: ${systemCode(error) ?? 'unknown error'}; nothing was changed.`,
      {
        hint: 'Check that .vscode is a folder where you may write, and that the disk has space.',
        cause: error,
      },
    );
  }
  return file;
}

/** The text of a set file with one more set; of a new one when there is none. Throws as {@link addSet}. */
export function withSet(text: string | undefined, set: NewSet): string {
  const changed = text === undefined ? newFile(set) : withInsertedSet(text, set);
  parseSetFile(changed);
  return changed;
}

function newFile(set: NewSet): string {
  const content = `{\n  "version": 1,\n  "sets": [\n    ${onSeveralLines(set, '    ', '  ')}\n  ]\n}\n`;
  return HEADER + content;
}

function withInsertedSet(text: string, set: NewSet): string {
  const taken = parseSetFile(text).sets.find(({ name }) => foldedName(name) === foldedName(set.name));
  if (taken) {
    throw new SetError(
      'set-exists',
      `The workspace has a set “${taken.name}” already; nothing was changed.`,
      {
        hint: 'Choose another name, or edit the set in .vscode/crm-backup.json.',
      },
    );
  }
  // The parser takes a byte order mark for a mistake, but a space instead of it leaves all offsets.
  const tree = parseTree(text.replace(/^\ufeff/, ' '), [], { allowTrailingComma: true });
  const last = tree && findNodeAtLocation(tree, ['sets'])?.children?.at(-1);
  if (!last) throw new TypeError('A set file without sets has been accepted.');

  const lineStart = text.lastIndexOf('\n', last.offset) + 1;
  const [indent = ''] = /^[ \t]*/.exec(text.slice(lineStart, last.offset)) ?? [];
  const beginsLine = lineStart + indent.length === last.offset;
  const unit = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const inserted = `,${beginsLine ? `\n${indent}` : ' '}${onSeveralLines(set, indent, unit)}`;
  const end = last.offset + last.length;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  return text.slice(0, end) + inserted.replaceAll('\n', lineEnd) + text.slice(end);
}

async function existingText(workspace: string): Promise<string | undefined> {
  try {
    return await readSetFile(workspace);
  } catch (error) {
    if (error instanceof SetError && error.code === 'no-set-file') return undefined;
    throw error;
  }
}

/** A link whose file is away, as on a disk that is not connected, is not replaced by another file. */
async function mustBeNoLink(file: string): Promise<void> {
  const leadsTo = await readlink(file).catch(() => undefined);
  if (leadsTo === undefined) return;
  throw new SetError(
    'set-file-unwritable',
    `The set file ${file} is a link to ${leadsTo}, which is not there; nothing was changed.`,
    { hint: 'Bring that file back, or remove the link.' },
  );
}

async function replaceFile(
  file: string,
  text: string,
  finish: (written: string, target: string) => Promise<void>,
): Promise<void> {
  const folder = path.dirname(file);
  const isNewFolder = (await mkdir(folder, { recursive: true })) !== undefined;
  // The set file may be a link to a shared one; the link stays.
  const target = await realpath(file).catch(() => file);
  const mode = await stat(target).then(
    (stats) => stats.mode & 0o777,
    () => undefined,
  );
  const temporary = path.join(
    path.dirname(target),
    `.${path.basename(target)}.${randomBytes(6).toString('hex')}`,
  );
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
    await handle.writeFile(text);
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await finish(temporary, target);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    // It stays where the set file is in it.
    if (isNewFolder) await rmdir(folder).catch(() => undefined);
  }
}
