import * as vscode from 'vscode';
import { Context } from './ids.ts';
import { localFolders, type Sets } from './sets.ts';

/** Which of the view's welcome texts fits. */
type ViewState = 'loading' | 'none' | 'empty' | 'ready' | 'failed';

/** Keeps the context keys the welcome texts and menus depend on. */
export function tellState(sets: Sets): vscode.Disposable {
  const tell = (): void => {
    void vscode.commands.executeCommand('setContext', Context.state, stateOf(sets));
    void vscode.commands.executeCommand('setContext', Context.hasBackups, hasBackups(sets));
    const canUndo = sets.all().some(({ state }) => state.restoredAt !== undefined);
    void vscode.commands.executeCommand('setContext', Context.canUndoRestore, canUndo);
  };
  tell();
  return sets.onDidChange(tell);
}

/** How the sets of all folders stand, as one word. */
export function stateOf(sets: Sets): ViewState {
  if (!sets.known) return 'loading';
  if (localFolders().some((folder) => sets.of(folder)?.status === 'failed')) return 'failed';
  const all = sets.all();
  if (all.length === 0) return 'none';
  return hasBackups(sets) ? 'ready' : 'empty';
}

/**
 * Whether a set of any folder has backups, or what is wrong with it or its file should be told by who looks for them;
 * while nothing is known it may.
 */
export function hasBackups(sets: Sets): boolean {
  if (!sets.known) return true;
  if (localFolders().some((folder) => sets.of(folder)?.status === 'failed')) return true;
  return sets
    .all()
    .some(({ state }) => state.backups.length + state.damaged.length > 0 || state.problem !== undefined);
}
