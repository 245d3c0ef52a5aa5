import * as vscode from 'vscode';
import { EditorError } from '../error.ts';
import { SET_FILE } from '../sets.ts';

/** Opens the set file of a folder. @throws {EditorError} `no-set` when there is none */
export async function openSetFile({ uri }: vscode.WorkspaceFolder): Promise<vscode.TextDocument> {
  const file = vscode.Uri.joinPath(uri, SET_FILE);
  const isThere = await vscode.workspace.fs.stat(file).then(
    () => true,
    (error: unknown) => !(error instanceof vscode.FileSystemError && error.code === 'FileNotFound'),
  );
  if (!isThere) throw new EditorError('no-set', vscode.l10n.t('This workspace has no backup set yet.'));
  return vscode.workspace.openTextDocument(file);
}
