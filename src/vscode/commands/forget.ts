import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { backupCount } from '../counts.ts';
import { cancelled, momentAndLabel, pickBackups } from './targets.ts';

/** Takes backups off the list, after asking. Their space is freed by “Free Unused Space”. */
export async function forget(app: App, target?: unknown, selected?: unknown): Promise<void> {
  const backups = await pickBackups(app, target, selected, vscode.l10n.t('Forget which backup?'));
  const [first] = backups;
  if (first === undefined) return;
  const question =
    backups.length === 1
      ? vscode.l10n.t('Forget the backup of {0}?', momentAndLabel(first.summary))
      : vscode.l10n.t('Forget {0}?', backupCount(backups.length));
  const pinned = backups.filter(({ summary }) => summary.pinned).length;
  const sentences = [question, vscode.l10n.t('It cannot be restored afterwards; no other backup changes.')];
  if (pinned > 0) sentences.push(vscode.l10n.t('{0} of them pinned.', pinned));
  const confirm = vscode.l10n.t('Forget');
  if ((await vscode.window.showWarningMessage(sentences.join(' '), confirm)) !== confirm) cancelled();
  for (const { workspace, set, backup } of backups) {
    await app.engine.call('forget', { workspace, set, backup });
  }
  await app.sets.refresh();
}
