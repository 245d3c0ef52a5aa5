import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { BACKUPS_VIEW } from '../ids.ts';
import type { WorkingChangeNode } from '../tree/nodes.ts';
import { showFile } from './show.ts';
import { backupSide, type Side } from './sides.ts';
import { withProgress } from '../window.ts';

/** Shows an object of a live database as it is now, beside what the newest backup has of it. */
export async function showLiveObject(app: App, node: WorkingChangeNode): Promise<void> {
  const { workspace, set, backup, path, from, change } = node;
  const location = { viewId: BACKUPS_VIEW };
  const { before, live } = await withProgress({ location }, () =>
    app.engine.call('liveObject', { workspace, set, backup, path }),
  );
  const text = new TextDecoder().decode(live);
  const to: Side = {
    title: vscode.l10n.t('now'),
    contentOf: () => app.documents.add(displayName(pathInWorkspace(path)), text),
  };
  // It may have come, gone or been put back since it was listed.
  await showFile(app, backupSide(set, from), to, { ...change, before, after: live?.length });
}
