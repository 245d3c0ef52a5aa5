import * as vscode from 'vscode';
import type { Issue } from '../engine/failure.ts';
import type { SetState } from '../engine/protocol.ts';
import { localFolders, SET_FILE, type Sets } from './sets.ts';

/** The places an error knows in the set file. */
export function issuesOf(error: unknown): readonly Issue[] {
  if (typeof error !== 'object' || error === null || !('issues' in error)) return [];
  return Array.isArray(error.issues) ? (error.issues as readonly Issue[]) : [];
}

/** Shows mistakes in set files where they are, and entries of schedules that wait: underlined, and in the Problems view. */
export function showSetFileProblems(sets: Sets): vscode.Disposable {
  const diagnostics = vscode.languages.createDiagnosticCollection('crm-backup');
  const update = (): void => {
    diagnostics.clear();
    for (const folder of localFolders()) {
      const state = sets.of(folder);
      if (state === undefined) continue;
      const found =
        state.status === 'failed' ? issuesOf(state.error).map(mistake) : state.sets.flatMap(waitingOf);
      if (found.length > 0) diagnostics.set(vscode.Uri.joinPath(folder.uri, SET_FILE), found);
    }
  };
  return vscode.Disposable.from(diagnostics, sets.onDidChange(update));
}

function mistake({ line, column, message }: Issue): vscode.Diagnostic {
  return diagnosticAt(line, column, 0, message, vscode.DiagnosticSeverity.Error);
}

function waitingOf({ waiting }: SetState): vscode.Diagnostic[] {
  return waiting.map(({ line, column, length, at, until }) => {
    const message = vscode.l10n.t(
      '{0} lies outside “offPeak”, so this waits until {1}; with "anyTime": true it does not.',
      at,
      until,
    );
    return diagnosticAt(line, column, length, message, vscode.DiagnosticSeverity.Information);
  });
}

function diagnosticAt(
  line: number,
  column: number,
  length: number,
  message: string,
  severity: vscode.DiagnosticSeverity,
): vscode.Diagnostic {
  // Columns behind the end of a line count as its end.
  const range = new vscode.Range(line - 1, column - 1, line - 1, column - 1 + length);
  const diagnostic = new vscode.Diagnostic(range, message, severity);
  diagnostic.source = 'CRM Backup';
  return diagnostic;
}
