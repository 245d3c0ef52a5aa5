import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { showComparison, showFile } from '../diff/show.ts';
import { backupSide, liveSide } from '../diff/sides.ts';
import { displayName } from '../files/backup-uri.ts';
import type { WorkingChangeNode } from '../tree/nodes.ts';
import { type FoundBackup, momentAndLabel, pickBackup } from './targets.ts';

/** Shows how the workspace differs from a backup; the files of the workspace can be edited there. */
export async function compareWithWorkspace(app: App, target?: unknown): Promise<void> {
  if (isWorkingChange(target)) return showWorkingChange(app, target);
  const found = await pickBackup(app, target, vscode.l10n.t('Compare the workspace with which backup?'));
  await showSince(app, found, []);
}

/** Shows how what stands at or below some paths (empty: everything) differs from a backup. */
export async function showSince(
  app: App,
  { workspace, set, backup, summary, found }: FoundBackup,
  paths: readonly string[],
): Promise<void> {
  const title = vscode.l10n.t('Comparing {0} with {1}', displayName(set), momentAndLabel(summary));
  const { changes, problems, hint } = await app.works.run(`compare:${workspace}\n${set}`, title, (options) =>
    app.engine.call('workingChanges', { workspace, set, backup, paths, probe: true }, options),
  );
  await showComparison(app, {
    set,
    from: backupSide(set, summary),
    to: liveSide(found.state),
    changes,
    problems,
    hint,
  });
}

async function showWorkingChange(app: App, node: WorkingChangeNode): Promise<void> {
  if (node.change.type === 'object')
    return (await import('../diff/live-object.ts')).showLiveObject(app, node);
  const { workspace, set, backup, path, from, change } = node;
  const found = app.sets.find(node);
  if (found === undefined) return;
  const input = { workspace, set, backup, paths: [path], probe: true };
  const [probed] = (await app.engine.call('workingChanges', input)).changes;
  // It may have been put back meanwhile: then it is as it was in the backup.
  await showFile(app, backupSide(set, from), liveSide(found.state), probed ?? change);
}

function isWorkingChange(target: unknown): target is WorkingChangeNode {
  return typeof target === 'object' && target !== null && 'type' in target && target.type === 'workingChange';
}
