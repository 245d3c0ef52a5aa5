import { isUtf8 } from 'node:buffer';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../errors.ts';
import type { BackupSet, SetFile } from './definition.ts';
import { SetError } from './error.ts';
import { nearestWord } from './nearest-word.ts';
import { parseSetFile } from './parse.ts';

/** Where the set file of a workspace lies. */
export function setFilePath(workspace: string): string {
  return path.join(workspace, '.vscode', 'crm-backup.json');
}

/**
 * The nearest folder from `start` upwards that has a set file; undefined when there is none.
 */
export async function findWorkspace(start: string): Promise<string | undefined> {
  let folder = path.resolve(start);
  for (;;) {
    try {
      await access(setFilePath(folder));
      return folder;
    } catch {
      const parent = path.dirname(folder);
      if (parent === folder) return undefined;
      folder = parent;
    }
  }
}

/**
 * The backup sets of a workspace, as written; `resolveSet` finds their folders. Throws {@link SetError}
 * `no-set-file`, `set-file-unreadable` or `invalid-set-file`.
 */
export async function loadSets(workspace: string): Promise<SetFile['sets']> {
  return parseSetFile(await readSetFile(workspace)).sets;
}

/** The text of a workspace's set file. Throws {@link SetError} `no-set-file` or `set-file-unreadable`. */
export async function readSetFile(workspace: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(setFilePath(workspace));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new SetError('no-set-file', `There is no backup set in ${workspace}.`, {
        hint: 'Make one with “crm-backup init”, or with “Create Backup Set…” in VS Code.',
        cause: error,
      });
    }
    throw new SetError(
      'set-file-unreadable',
      `The set file ${setFilePath(workspace)} cannot be read: ${code ?? 'unknown error'}.`,
      { hint: 'Check that it is a file you may read.', cause: error },
    );
  }
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new SetError('set-file-unreadable', `The set file ${setFilePath(workspace)} is not UTF-8 text.`, {
    hint: 'Open it in an editor and save it as UTF-8.',
  });
}

/**
 * The set of this name, or the only one when no name is given. Throws {@link SetError} `unknown-set` or
 * `several-sets`.
 */
export function chooseSet(sets: readonly BackupSet[], name?: string): BackupSet {
  const names = sets.map((set) => set.name);
  const listed = names.map((each) => `“${each}”`).join(', ');
  if (name === undefined) {
    const [only] = sets;
    if (only && sets.length === 1) return only;
    throw new SetError('several-sets', `The workspace has several sets: ${listed}.`, {
      hint: 'Say which with --set NAME.',
    });
  }
  const chosen = sets.find((set) => set.name === name);
  if (chosen) return chosen;
  const meant = nearestWord(name, names);
  throw new SetError('unknown-set', `The workspace has no set “${name}”; it has ${listed}.`, {
    hint: meant === undefined ? 'Name one of these.' : `Did you mean “${meant}”?`,
  });
}
