import path from 'node:path';
import * as vscode from 'vscode';
import type { VaultState } from '../../engine/protocol.ts';
import { backupCount } from '../counts.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes, formatFully, formatMoment } from '../format.ts';
import { tooltipTable } from '../tree/tooltips/table.ts';
import type { VaultNode } from './nodes.ts';

/** A vault: how it stands, what it takes, when it was last found whole. */
export function vaultItem({ workspace, state, folderName }: VaultNode): vscode.TreeItem {
  const locale = vscode.env.language;
  const { directory, sets, storedBytes, verifiedAt } = state;
  const name = sets.map(displayName).join(', ');
  const label = vscode.l10n.t('Vault of {0}', name);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  const verified =
    verifiedAt === undefined || state.status === 'damaged'
      ? undefined
      : vscode.l10n.t('verified {0}', formatMoment(new Date(verifiedAt), new Date(), locale));
  const size = storedBytes === undefined ? undefined : formatBytes(storedBytes, locale);
  const parts = [folderName, statusName(state.status), size, verified];
  item.id = `vault:${workspace}\n${directory}`;
  item.description = parts.filter((part) => part !== undefined).join(' · ');
  item.iconPath = iconOf(state);
  item.contextValue = `vault.${state.status}`;
  item.tooltip = tooltipOf(state);
  item.accessibilityInformation = {
    label: [label, item.description, state.problem?.message].filter(Boolean).join(', '),
  };
  return item;
}

/** How a vault stands, in a word. */
function statusName(status: VaultState['status']): string {
  switch (status) {
    case 'healthy':
      return vscode.l10n.t('healthy');
    case 'damaged':
      return vscode.l10n.t('damaged');
    case 'unreachable':
      return vscode.l10n.t('unreachable');
    case 'absent':
      return vscode.l10n.t('made with the first backup');
  }
}

function iconOf({ status }: VaultState): vscode.ThemeIcon {
  switch (status) {
    case 'healthy':
      return new vscode.ThemeIcon('pass-filled', new vscode.ThemeColor('crmBackup.healthyVault'));
    case 'damaged':
      return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
    case 'unreachable':
      return new vscode.ThemeIcon('debug-disconnect', new vscode.ThemeColor('list.warningForeground'));
    case 'absent':
      return new vscode.ThemeIcon('circle-large-outline');
  }
}

function tooltipOf({
  directory,
  status,
  backups,
  storedBytes,
  freeBytes,
  verifiedAt,
  problem,
}: VaultState): vscode.MarkdownString {
  const locale = vscode.env.language;
  const rows: [string, string][] = [
    [vscode.l10n.t('Folder'), displayName(directory)],
    [vscode.l10n.t('State'), statusName(status)],
  ];
  if (storedBytes !== undefined) {
    rows.push([vscode.l10n.t('Backups'), backupCount(backups)]);
    rows.push([vscode.l10n.t('Size on disk'), formatBytes(storedBytes, locale)]);
    const verified =
      verifiedAt === undefined ? vscode.l10n.t('never') : formatFully(new Date(verifiedAt), locale);
    rows.push([vscode.l10n.t('Last verified'), verified]);
  }
  if (freeBytes !== undefined) rows.push([vscode.l10n.t('Free space'), formatBytes(freeBytes, locale)]);
  const tooltip = tooltipTable(displayName(path.basename(directory)), rows);
  if (problem !== undefined) {
    tooltip
      .appendMarkdown('\n\n$(warning) ')
      .appendText([problem.message, problem.hint].filter(Boolean).join(' '));
  }
  return tooltip;
}
