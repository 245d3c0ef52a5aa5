import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { pickFolder } from './targets.ts';

/** Checks the surroundings and shows what it found. */
export async function doctor(app: App, target?: unknown): Promise<void> {
  const folder = await pickFolder(target);
  const title = vscode.l10n.t('Checking the surroundings');
  const checks = await app.works.run('doctor', title, (options) =>
    app.engine.call('doctor', { workspace: folder.uri.fsPath }, options),
  );
  const marks = { ok: '✓', warning: '!', failed: '✗' };
  const lines = checks.map(({ name, status, detail, hint }) =>
    [`${marks[status]} ${name}: ${detail}`, ...(hint === undefined ? [] : [`  ${hint}`])].join('\n'),
  );
  await app.documents.show(vscode.l10n.t('CRM Backup Checks.txt'), `${lines.join('\n')}\n`);
}
