import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { displayName } from '../files/backup-uri.ts';
import { pickSet } from './targets.ts';
import { showInformationMessage } from '../window.ts';

/** Shows the folder of a set's vault in the system's file manager, or copies its path where there is none. */
export async function revealVault(app: App, target?: unknown): Promise<void> {
  const { set, state } = await pickSet(app, target);
  if (state.vault === undefined) {
    throw new EditorError('no-backup', vscode.l10n.t('{0} has no vault yet.', displayName(set)));
  }
  const isRemote = vscode.env.remoteName !== undefined || vscode.env.uiKind === vscode.UIKind.Web;
  if (!isRemote) {
    await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(state.vault));
    return;
  }
  await vscode.env.clipboard.writeText(state.vault);
  void showInformationMessage(
    vscode.l10n.t('The vault is on the remote machine; its path was copied: {0}', displayName(state.vault)),
  );
}
