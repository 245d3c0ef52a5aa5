import * as vscode from 'vscode';
import type { EntryChange } from '../engine/protocol.ts';

type Change = EntryChange['change'];

/** What a change is called. */
export function changeName(change: Change): string {
  const names = {
    added: vscode.l10n.t('added'),
    modified: vscode.l10n.t('modified'),
    deleted: vscode.l10n.t('deleted'),
    renamed: vscode.l10n.t('renamed'),
  };
  return names[change];
}

const ICONS = {
  added: 'diff-added',
  modified: 'diff-modified',
  deleted: 'diff-removed',
  renamed: 'diff-renamed',
};

/** The codicon of a change, in the colour that git's changes have. */
export function changeIcon(change: Change): vscode.ThemeIcon {
  const colour = new vscode.ThemeColor(`gitDecoration.${change}ResourceForeground`);
  return new vscode.ThemeIcon(ICONS[change], colour);
}
