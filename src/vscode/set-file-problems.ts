import * as vscode from 'vscode';
import type { Issue } from '../engine/failure.ts';
import { localFolders, SET_FILE, type Sets } from './sets.ts';

/** The places an error knows in the set file. */
export function issuesOf(error: unknown): readonly Issue[] {
  if (typeof error !== 'object' || error === null || !('issues' in error)) return [];
  return Array.isArray(error.issues) ? (error.issues as readonly Issue[]) : [];
}

/** Shows mistakes in set files where they are: underlined, and in the Problems view. */
export function showSetFileProblems(sets: Sets): vscode.Disposable {
  const diagnostics = vscode.languages.createDiagnosticCollection('crm-backup');
  const update = (): void => {
    diagnostics.clear();
    for (const folder of localFolders()) {
      const state = sets.of(folder);
      if (state?.status !== 'failed') continue;
      const found = issuesOf(state.error).map(({ line, column, message }) => {
        const at = new vscode.Position(line - 1, column - 1);
        const diagnostic = new vscode.Diagnostic(new vscode.Range(at, at), message);
        diagnostic.source = 'CRM Backup';
        return diagnostic;
      });
      diagnostics.set(vscode.Uri.joinPath(folder.uri, SET_FILE), found);
    }
  };
  return vscode.Disposable.from(diagnostics, sets.onDidChange(update));
}
