import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { takenBefore } from '../tree/nodes.ts';
import { showBetween } from './show-changes.ts';
import { pickBackup } from './targets.ts';

/** Shows what changed since the backup taken before this one, whatever its base is. */
export async function compareWithPrevious(app: App, target?: unknown): Promise<void> {
  const found = await pickBackup(app, target, vscode.l10n.t('Compare which backup with the one before it?'));
  const previous = takenBefore(found.found.state.backups, found.summary);
  if (previous === undefined) {
    throw new EditorError(
      'no-backup',
      vscode.l10n.t('This is the first backup: there is nothing to compare it with.'),
    );
  }
  await showBetween(app, previous, found);
}
