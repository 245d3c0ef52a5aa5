import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { placeInSetFile } from '../set-file-place.ts';
import { SET_FILE } from '../sets.ts';
import { fieldOf, pickFolder } from './targets.ts';

/** Opens the set file at the set's schedule, or at the set when it has none yet. */
export async function editSchedule(_app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, SET_FILE));
  const at = document.positionAt(placeInSetFile(document.getText(), fieldOf(target, 'set'), 'schedule'));
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
}
