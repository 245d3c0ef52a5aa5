import * as vscode from 'vscode';
import { formatNumber } from './format.ts';

/** A number of files in words: “1 file”, “1,234 files”. */
export function fileCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 file');
  return vscode.l10n.t('{0} files', formatNumber(count, vscode.env.language));
}

/** A number of backups in words. */
export function backupCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 backup');
  return vscode.l10n.t('{0} backups', formatNumber(count, vscode.env.language));
}
