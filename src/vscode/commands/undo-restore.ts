import * as vscode from 'vscode';
import type { RestoreResult } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { displayName } from '../files/backup-uri.ts';
import { originalPlace, runRestore } from '../restore/run-restore.ts';

/** Brings back what the last restore has replaced or deleted, and removes what it has created. */
export async function undoRestore(app: App): Promise<RestoreResult | undefined> {
  const { undo } = app.lastRestore;
  if (undo === undefined) throw new EditorError('no-backup', vscode.l10n.t('There is no restore to undo.'));
  await app.sets.load();
  const found = app.sets.find(undo);
  return runRestore(
    app,
    { ...undo, delete: true, safetyBackup: true },
    {
      backup: vscode.l10n.t('{0}, before the last restore', displayName(undo.set)),
      destination: originalPlace(found?.state.roots ?? []),
    },
  );
}
