import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes } from '../format.ts';
import { pickSet } from './targets.ts';
import { showInformationMessage } from '../window.ts';

/** Frees the space of what no backup needs any more. */
export async function prune(app: App, target?: unknown): Promise<void> {
  const { workspace, set } = await pickSet(app, target);
  const title = vscode.l10n.t('Freeing unused space of {0}', displayName(set));
  const { freedBytes } = await app.works.run(`prune:${workspace}\n${set}`, title, (options) =>
    app.engine.call('prune', { workspace, set }, options),
  );
  const freed = formatBytes(freedBytes, vscode.env.language);
  void showInformationMessage(
    freedBytes > 0 ? vscode.l10n.t('{0} freed.', freed) : vscode.l10n.t('There was nothing to free.'),
  );
}
