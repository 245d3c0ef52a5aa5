import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { placeInSetFile } from '../set-file-place.ts';
import { openSetFile } from './set-file.ts';
import { fieldOf, pickFolder } from './targets.ts';

/** Opens the set file at the set's schedule, or at the set when it has none yet. */
export async function editSchedule(_app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const document = await openSetFile(folder);
  const at = document.positionAt(placeInSetFile(document.getText(), fieldOf(target, 'set'), 'schedule'));
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
}
