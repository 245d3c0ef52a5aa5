import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { placeInSetFile } from '../set-file-place.ts';
import { issuesOf } from '../set-file-problems.ts';
import { openSetFile } from './set-file.ts';
import { fieldOf, pickFolder } from './targets.ts';

/** Opens the set file at the set, or at its first mistake. */
export async function editSet(app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const document = await openSetFile(folder);
  const at = mistakeIn(app, folder) ?? placeOfSet(document, fieldOf(target, 'set'));
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
}

function mistakeIn(app: App, folder: vscode.WorkspaceFolder): vscode.Position | undefined {
  const state = app.sets.of(folder);
  const [issue] = state?.status === 'failed' ? issuesOf(state.error) : [];
  return issue && new vscode.Position(issue.line - 1, issue.column - 1);
}

function placeOfSet(document: vscode.TextDocument, set: string | undefined): vscode.Position {
  return document.positionAt(set === undefined ? 0 : placeInSetFile(document.getText(), set, 'name'));
}
