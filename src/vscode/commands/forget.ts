import * as vscode from 'vscode';
import type { OfBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { backupCount } from '../counts.ts';
import { showFailure } from '../failures.ts';
import { cancelled, momentAndLabel, pickBackups } from './targets.ts';
import { showInformationMessage, showWarningMessage } from '../window.ts';

/** Takes backups off the list, after asking; until their space is freed they can be taken back. */
export async function forget(app: App, target?: unknown, selected?: unknown): Promise<void> {
  const placeHolder = vscode.l10n.t('Forget which backup?');
  const backups = await pickBackups(app, target, selected, placeHolder, ({ pinned }) => !pinned);
  const [first] = backups;
  if (first === undefined) return;
  const question =
    backups.length === 1
      ? vscode.l10n.t('Forget the backup of {0}?', momentAndLabel(first.summary))
      : vscode.l10n.t('Forget {0}?', backupCount(backups.length));
  const others = vscode.l10n.t('No other backup changes.');
  const confirm = vscode.l10n.t('Forget');
  if ((await showWarningMessage(`${question} ${others}`, confirm)) !== confirm) cancelled();
  const forgotten: OfBackup[] = [];
  try {
    for (const { workspace, set, backup } of backups) {
      await app.engine.call('forget', { workspace, set, backup });
      forgotten.push({ workspace, set, backup });
    }
  } finally {
    await app.sets.refresh();
    if (forgotten.length > 0) void offerUndo(app, forgotten);
  }
}

async function offerUndo(app: App, forgotten: readonly OfBackup[]): Promise<void> {
  const undo = vscode.l10n.t('Undo');
  const sentence = vscode.l10n.t('Forgotten: {0}.', backupCount(forgotten.length));
  if ((await showInformationMessage(sentence, undo)) !== undo) return;
  try {
    for (const target of forgotten) await app.engine.call('unforget', target);
  } catch (error) {
    void showFailure(app.log, error);
  }
  await app.sets.refresh();
}
