import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { cancelled, pickBackup } from './targets.ts';
import { showInputBox } from '../window.ts';

/** Gives a backup a label, or takes it away. */
export async function rename(app: App, target?: unknown): Promise<void> {
  const { workspace, set, backup, summary } = await pickBackup(
    app,
    target,
    vscode.l10n.t('Rename which backup?'),
  );
  const label = await showInputBox({
    title: vscode.l10n.t('Rename Backup'),
    prompt: vscode.l10n.t('What the backup is called; empty removes the name.'),
    value: summary.label ?? '',
  });
  if (label === undefined) cancelled();
  await app.engine.call('label', { workspace, set, backup, label: label.trim() || null });
  await app.sets.refresh();
}
