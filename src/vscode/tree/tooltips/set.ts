import * as vscode from 'vscode';
import { latestOf } from '../../../core/latest.ts';
import type { SetState } from '../../../engine/protocol.ts';
import { displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatFully, formatNumber, formatRatio } from '../../format.ts';
import { jobName } from '../../kinds.ts';
import { tooltipTable } from './table.ts';

/** Where a set's files come from and go to. */
export function setTooltip(state: SetState): vscode.MarkdownString {
  const latest = latestOf(state.backups);
  const rows: [string, string][] = state.roots.map(({ name, directory }) => [
    displayName(name),
    displayName(directory),
  ]);
  if (state.databases.length > 0) {
    rows.push([vscode.l10n.t('Databases'), state.databases.map(displayName).join(', ')]);
  }
  if (state.vault !== undefined) rows.push([vscode.l10n.t('Vault'), displayName(state.vault)]);
  rows.push([vscode.l10n.t('Backups'), formatNumber(state.backups.length, vscode.env.language)]);
  if (latest !== undefined) {
    rows.push([vscode.l10n.t('Size'), formatBytes(latest.bytes.source, vscode.env.language)]);
  }
  if (state.ratio !== null) {
    rows.push([vscode.l10n.t('Backup ratio of the vault'), formatRatio(state.ratio, vscode.env.language)]);
  }
  const { next } = state;
  if (next !== undefined) {
    const at =
      next.at === undefined ? vscode.l10n.t('due now') : formatFully(new Date(next.at), vscode.env.language);
    rows.push([vscode.l10n.t('Next by itself'), `${at} · ${jobName(next.kind)}`]);
    if (next.message !== undefined) rows.push([vscode.l10n.t('Last time'), next.message]);
  }
  return tooltipTable(state.name, rows);
}
