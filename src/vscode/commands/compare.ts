import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { showBetween } from './show-changes.ts';
import { type FoundBackup, pickBackup, pickBackups } from './targets.ts';

/** Shows what differs between two backups: those that are selected, or two that the user picks. */
export async function compare(app: App, target?: unknown, selected?: unknown): Promise<void> {
  const chosen = await pickBackups(app, target, selected, vscode.l10n.t('Compare which backup?'));
  const [older, newer] = oldestFirst(chosen.length > 1 ? chosen : [...chosen, await other(app, chosen[0]!)]);
  if (older.workspace !== newer.workspace || older.set !== newer.set) {
    throw new EditorError('no-backup', vscode.l10n.t('Only backups of the same set can be compared.'));
  }
  await showBetween(app, older.summary, newer);
}

async function other(app: App, { workspace, set, backup }: FoundBackup): Promise<FoundBackup> {
  const placeHolder = vscode.l10n.t('Compare it with which backup?');
  return pickBackup(app, { workspace, set }, placeHolder, {
    qualifies: ({ id }) => id !== backup,
  });
}

/** Of more than two, the comparison spans all of them. */
function oldestFirst(backups: readonly FoundBackup[]): [FoundBackup, FoundBackup] {
  const sorted = [...backups].sort((a, b) => (a.summary.createdAt < b.summary.createdAt ? -1 : 1));
  return [sorted[0]!, sorted.at(-1)!];
}
