import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { displayName } from '../files/backup-uri.ts';
import { SET_FILE } from '../sets.ts';
import { cancelled, pickFolder } from './targets.ts';
import { showInformationMessage, showQuickPick } from '../window.ts';

/** Enters, changes or forgets the secrets that a folder's set file names. */
export async function manageSecrets({ secrets }: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const workspace = folder.uri.fsPath;
  const named = await secretsNamedIn(folder);
  const kept = await secrets.kept(workspace);
  const names = [...new Set([...named, ...kept])];
  if (names.length === 0) {
    void showInformationMessage(
      vscode.l10n.t(
        'The backup sets of this folder name no secrets. A password is written as {0} there.',
        '${secret:NAME}',
      ),
    );
    return;
  }
  const items = names.map((name) => ({
    label: `$(key) ${displayName(name)}`,
    description: kept.includes(name)
      ? vscode.l10n.t('kept by VS Code')
      : vscode.l10n.t('asked for when needed'),
    name,
  }));
  const picked = await showQuickPick(items, { placeHolder: vscode.l10n.t('Which secret?') });
  if (picked === undefined) return cancelled();
  const secret = { name: picked.name, workspace };
  if (!kept.includes(picked.name)) {
    await secrets.enter(secret);
    return;
  }
  const change = vscode.l10n.t('Change…');
  const forget = vscode.l10n.t('Forget');
  const placeHolder = vscode.l10n.t('Secret “{0}”', displayName(picked.name));
  const action = await showQuickPick([change, forget], { placeHolder });
  if (action === change) await secrets.enter(secret);
  if (action === forget) await secrets.forget(secret);
}

/** What stands in the set file as `${secret:NAME}`, whatever else is wrong with it. */
async function secretsNamedIn(folder: vscode.WorkspaceFolder): Promise<readonly string[]> {
  try {
    const content = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(folder.uri, SET_FILE));
    const found = Buffer.from(content)
      .toString()
      .matchAll(/\$\{secret:([^}]+)\}/g);
    return [...found].flatMap(([, name]) => name ?? []);
  } catch {
    return [];
  }
}
