import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { pickBackups } from './targets.ts';

/** Keeps backups whatever the retention says. */
export async function pin(app: App, target?: unknown, selected?: unknown): Promise<void> {
  await setPinned(app, target, selected, true);
}

/** Lets the retention decide about backups again. */
export async function unpin(app: App, target?: unknown, selected?: unknown): Promise<void> {
  await setPinned(app, target, selected, false);
}

async function setPinned(app: App, target: unknown, selected: unknown, pinned: boolean): Promise<void> {
  const placeHolder = pinned ? vscode.l10n.t('Pin which backup?') : vscode.l10n.t('Unpin which backup?');
  const backups = await pickBackups(
    app,
    target,
    selected,
    placeHolder,
    (summary) => summary.pinned !== pinned,
  );
  for (const { workspace, set, backup } of backups) {
    await app.engine.call('pin', { workspace, set, backup, pinned });
  }
  await app.sets.refresh();
}
