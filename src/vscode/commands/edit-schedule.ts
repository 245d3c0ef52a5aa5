import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { SET_FILE } from '../sets.ts';
import { fieldOf, pickFolder } from './targets.ts';

/** Opens the set file at the set's schedule, or at the set when it has none yet. */
export async function editSchedule(_app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, SET_FILE));
  const at = document.positionAt(placeOfSchedule(document.getText(), fieldOf(target, 'set')));
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
}

/** Where the schedule of a set stands in the file; of a set without one, its name. Without a set, the first schedule. */
function placeOfSchedule(text: string, set: string | undefined): number {
  const keys = [...text.matchAll(/"(name|schedule)"\s*:\s*("(?:[^"\\]|\\.)*")?/g)];
  const quoted = set === undefined ? undefined : JSON.stringify(set);
  const name = keys.findIndex(([, key, value]) => key === 'name' && value === quoted);
  const following = keys.slice(name + 1);
  // Names between are those of its roots and databases; the next set's schedule comes only after its own.
  const schedule = following.find(([, key]) => key === 'schedule');
  return (schedule ?? keys[name])?.index ?? 0;
}
