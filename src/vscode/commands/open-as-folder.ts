import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { addressToPath, BACKUP_SCHEME, displayName } from '../files/backup-uri.ts';
import { momentAndLabel, pickBackup } from './targets.ts';

/** Adds a whole backup to the workspace as a folder that can be read, searched by name and copied from. */
export async function openAsFolder(app: App, target?: unknown): Promise<void> {
  const placeHolder = vscode.l10n.t('Open which backup as a folder?');
  const { set, backup, summary } = await pickBackup(app, target, placeHolder);
  const uri = vscode.Uri.from({ scheme: BACKUP_SCHEME, path: addressToPath({ set, backup, path: '' }) });
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (!folders.some((folder) => folder.uri.toString() === uri.toString())) {
    const name = `${displayName(set)} ${momentAndLabel(summary)}`;
    vscode.workspace.updateWorkspaceFolders(folders.length, 0, { uri, name });
  }
  await vscode.commands.executeCommand('workbench.view.explorer');
}
