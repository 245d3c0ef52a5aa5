import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { displayName } from '../files/backup-uri.ts';
import { pickFolder } from './targets.ts';
import { showInformationMessage } from '../window.ts';

/** Has the system's own scheduler run a folder's schedules, so that they run without VS Code. */
export async function handOverSchedules(app: App, target?: unknown): Promise<void> {
  const workspace = (await pickFolder(target)).uri.fsPath;
  const title = vscode.l10n.t('Handing the schedules to the system');
  const { notice } = await app.works.run(`schedule:${workspace}`, title, (options) =>
    app.engine.call('handOver', { workspace }, options),
  );
  const done = vscode.l10n.t('The system’s own scheduler now runs the schedules, also without VS Code.');
  const sentences = notice === undefined ? [done] : [done, displayName(notice)];
  void showInformationMessage(sentences.join(' '));
}

/** Takes a folder's schedules away from the system's own scheduler. */
export async function takeBackSchedules(app: App, target?: unknown): Promise<void> {
  const workspace = (await pickFolder(target)).uri.fsPath;
  const title = vscode.l10n.t('Taking the schedules from the system');
  await app.works.run(`schedule:${workspace}`, title, (options) =>
    app.engine.call('takeBack', { workspace }, options),
  );
  void showInformationMessage(vscode.l10n.t('The schedules now run only while VS Code is open.'));
}
