import { realpath } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { InSet } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { BACKUP_SCHEME, displayName, toAddress } from '../files/backup-uri.ts';
import { entryOfFile } from '../files/on-disk.ts';
import type { FoundSet } from '../sets.ts';
import { fieldOf, throwFailed } from './targets.ts';

/** A file that backups may have. */
export interface BackedUpFile extends InSet {
  readonly found: FoundSet;
  /** `files/<root>/…` */
  readonly path: string;
  /** What it is called, for people. */
  readonly name: string;
  /** Where it was asked for: on the disk, in a backup; undefined for a line of the tree. */
  readonly uri: vscode.Uri | undefined;
}

/**
 * The file a command is about: the one of a line of the tree or of the Explorer, else the one in the active editor.
 * @throws {EditorError} `no-file`, `not-backed-up`
 */
export async function pickFile(app: App, target: unknown): Promise<BackedUpFile> {
  await app.sets.load();
  const uri = target instanceof vscode.Uri ? target : undefined;
  if (uri === undefined && typeof target === 'object' && target !== null) {
    const [workspace, set, inBackup] = ['workspace', 'set', 'path'].map((name) => fieldOf(target, name));
    const found = app.sets.find({ workspace: workspace ?? '', set: set ?? '' });
    if (found !== undefined && inBackup !== undefined) return fileOf(found, inBackup, undefined);
  }
  const named = uri ?? activeUri();
  if (named === undefined) {
    throw new EditorError('no-file', vscode.l10n.t('Open a file first, or choose one in the Explorer.'));
  }
  const file = named.scheme === BACKUP_SCHEME ? inBackup(app, named) : await onDisk(app, named);
  if (file !== undefined) return file;
  throwFailed(app);
  throw new EditorError(
    'not-backed-up',
    vscode.l10n.t(
      '{0} is in none of the folders that are backed up.',
      displayName(path.basename(named.path)),
    ),
  );
}

/** The file of the active editor, whatever shows it; of a comparison the side that is shown last. */
function activeUri(): vscode.Uri | undefined {
  const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff) return input.modified;
  if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) return input.uri;
  return vscode.window.activeTextEditor?.document.uri;
}

function inBackup(app: App, uri: vscode.Uri): BackedUpFile | undefined {
  const address = toAddress(uri);
  const candidates = app.sets.all().filter(({ set }) => set === address?.set);
  const holds = candidates.find(({ state }) =>
    state.backups.some(({ id }) => address !== undefined && id.startsWith(address.backup)),
  );
  const found = holds ?? candidates[0];
  return address === undefined || found === undefined ? undefined : fileOf(found, address.path, uri);
}

/** Of folders within each other the inner one counts: its path below is shorter. */
async function onDisk(app: App, uri: vscode.Uri): Promise<BackedUpFile | undefined> {
  if (uri.scheme !== 'file') return undefined;
  const file = uri.fsPath;
  const real = await realpath(file).catch(() => file);
  const entries = app.sets.all().flatMap((found) => {
    const entry = entryOfFile(found.state.roots, file) ?? entryOfFile(found.state.roots, real);
    return entry === undefined ? [] : [{ found, entry }];
  });
  const below = ({ entry }: { readonly entry: string }): number => entry.split('/').slice(2).join('/').length;
  const [best] = entries.sort((a, b) => below(a) - below(b));
  return best && fileOf(best.found, best.entry, uri);
}

function fileOf(found: FoundSet, inBackup: string, uri: vscode.Uri | undefined): BackedUpFile {
  const { workspace, set } = found;
  const name = displayName(inBackup.slice(inBackup.lastIndexOf('/') + 1));
  return { workspace, set, found, path: inBackup, name, uri };
}
