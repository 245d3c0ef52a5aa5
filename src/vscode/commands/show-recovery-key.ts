import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { displayName } from '../files/backup-uri.ts';
import { entryOfFile } from '../files/on-disk.ts';
import type { FoundSet } from '../sets.ts';
import { cancelled, pickSet } from './targets.ts';
import { showWarningMessage } from '../window.ts';

/** Makes a recovery key of a set's vault and saves it where the user says, readable by them alone. */
export async function showRecoveryKey(app: App, target?: unknown): Promise<void> {
  const found = await pickSet(app, target);
  const { workspace, set } = found;
  const suggestion = path.join(os.homedir(), `${set.replace(/[^\w.-]+/g, '-')}-recovery-key.txt`);
  const uri = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Save Recovery Key of {0}', displayName(set)),
    saveLabel: vscode.l10n.t('Save Recovery Key'),
    defaultUri: vscode.Uri.file(suggestion),
  });
  if (uri === undefined) cancelled();
  const file = uri.fsPath;
  requireApart(app, found, file);
  await app.engine.call('saveRecoveryKey', { workspace, set, file });
  app.log.info(`A recovery key of the vault of ${set} was saved.`);
  const sentence = vscode.l10n.t(
    'Saved. Whoever has this file can read all backups in this vault. Keep it apart from them, best printed on paper.',
  );
  void showWarningMessage(sentence);
}

/** A key beside what it opens protects nothing, and is of no use when both are lost. @throws {EditorError} `bad-place` */
function requireApart(app: App, { state }: FoundSet, file: string): void {
  const kept = app.sets.all().some(({ state: { roots } }) => entryOfFile(roots, file) !== undefined);
  const vault = state.vault === undefined ? [] : [{ name: 'vault', directory: state.vault }];
  if (!kept && entryOfFile(vault, file) === undefined) return;
  throw new EditorError(
    'bad-place',
    vscode.l10n.t(
      'Save the recovery key outside of the vault and of the folders that are backed up: whoever gets those must not get the key with them.',
    ),
  );
}
