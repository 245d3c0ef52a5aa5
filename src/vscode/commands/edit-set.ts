import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { issuesOf } from '../set-file-problems.ts';
import { SET_FILE } from '../sets.ts';
import { fieldOf, pickFolder } from './targets.ts';

/** Opens the set file at the set, or at its first mistake. */
export async function editSet(app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, SET_FILE));
  const at = mistakeIn(app, folder) ?? placeOfSet(document, fieldOf(target, 'set'));
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
}

function mistakeIn(app: App, folder: vscode.WorkspaceFolder): vscode.Position | undefined {
  const state = app.sets.of(folder);
  const [issue] = state?.status === 'failed' ? issuesOf(state.error) : [];
  return issue && new vscode.Position(issue.line - 1, issue.column - 1);
}

/** Where a set's name stands in the file. */
function placeOfSet(document: vscode.TextDocument, set: string | undefined): vscode.Position {
  if (set === undefined) return new vscode.Position(0, 0);
  const names = document.getText().matchAll(/"name"\s*:\s*("(?:[^"\\]|\\.)*")/g);
  const quoted = JSON.stringify(set);
  const name = [...names].find(([, value]) => value === quoted);
  return document.positionAt(name?.index ?? 0);
}
