import * as vscode from 'vscode';
import type { SetState } from '../../../engine/protocol.ts';
import { displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatNumber } from '../../format.ts';
import { tooltipTable } from './table.ts';

/** Where a set's files come from and go to. */
export function setTooltip(state: SetState): vscode.MarkdownString {
  const [latest] = state.backups;
  const rows: [string, string][] = state.roots.map(({ name, directory }) => [
    displayName(name),
    displayName(directory),
  ]);
  if (state.vault !== undefined) rows.push([vscode.l10n.t('Vault'), displayName(state.vault)]);
  rows.push([vscode.l10n.t('Backups'), formatNumber(state.backups.length, vscode.env.language)]);
  if (latest !== undefined) {
    rows.push([vscode.l10n.t('Size'), formatBytes(latest.bytes.source, vscode.env.language)]);
  }
  return tooltipTable(state.name, rows);
}
