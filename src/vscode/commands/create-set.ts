import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { BACKUPS_VIEW } from '../ids.ts';
import { cancelled, pickFolder } from './targets.ts';
import { showInputBox } from '../window.ts';

/** Creates a backup set of a folder, with its vault and key, and offers the first backup. */
export async function createSet(app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  await app.sets.load();
  const taken = new Set(
    app.sets
      .all()
      .filter((set) => set.folder === folder)
      .map(({ set }) => set),
  );
  const name = await showInputBox({
    title: vscode.l10n.t('Create Backup Set'),
    prompt: vscode.l10n.t(
      'Name of the set. It backs up {0}; caches, logs and node_modules are left out.',
      folder.name,
    ),
    value: suggestName(folder.name, taken),
    validateInput: (value) => problemWithName(value.trim(), taken),
  });
  if (name === undefined) cancelled();
  const workspace = folder.uri.fsPath;
  const set = name.trim();
  const { vault } = await app.engine.call('createSet', { workspace, set });
  app.log.info(`Backup set ${set} created; its vault is ${vault}.`);
  await app.sets.refresh();
  // The view says what comes next.
  await vscode.commands.executeCommand(`${BACKUPS_VIEW}.focus`);
}

/** A free name close to the folder's. */
function suggestName(folderName: string, taken: ReadonlySet<string>): string {
  const plain = folderName.replace(/[\\/:*?"<>|]+/g, '-').trim() || 'crm';
  for (let number = 1; ; number++) {
    const name = number === 1 ? plain : `${plain}-${number}`;
    if (!taken.has(name)) return name;
  }
}

function problemWithName(name: string, taken: ReadonlySet<string>): string | undefined {
  if (name === '') return vscode.l10n.t('The name must not be empty.');
  if (taken.has(name)) return vscode.l10n.t('There is a set of this name already.');
  if (/[\\/]/.test(name)) return vscode.l10n.t('The name must not contain slashes.');
  return undefined;
}
