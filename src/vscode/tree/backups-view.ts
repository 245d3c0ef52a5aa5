import * as vscode from 'vscode';
import { BACKUPS_VIEW } from '../ids.ts';
import type { WorkingChanges } from '../working/working-changes.ts';
import type { BackupsTree } from './backups-tree.ts';
import { DragOut } from './drag.ts';

/** Shows the tree in its view; while it is seen, the workspace is compared with the newest backup. */
export function showBackups(tree: BackupsTree, working: WorkingChanges): vscode.Disposable {
  const view = vscode.window.createTreeView(BACKUPS_VIEW, {
    treeDataProvider: tree,
    canSelectMany: true,
    dragAndDropController: new DragOut(),
    showCollapseAll: true,
  });
  let watching: vscode.Disposable | undefined;
  const follow = (): void => {
    if (!view.visible) {
      watching?.dispose();
      watching = undefined;
    } else watching ??= working.watch();
  };
  follow();
  return vscode.Disposable.from(view, view.onDidChangeVisibility(follow), {
    dispose: () => void watching?.dispose(),
  });
}
