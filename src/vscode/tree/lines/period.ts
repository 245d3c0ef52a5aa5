import * as vscode from 'vscode';
import { backupCount } from '../../counts.ts';
import { formatNumber } from '../../format.ts';
import type { PeriodNode } from '../nodes.ts';

const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;

/** A stretch of time with its backups. */
export function periodItem({ period, backups, first }: PeriodNode): vscode.TreeItem {
  const item = new vscode.TreeItem(periodName(period), first ? Expanded : Collapsed);
  item.contextValue = 'period';
  item.description = first ? '' : formatNumber(backups.length, vscode.env.language);
  item.accessibilityInformation = {
    label: [periodName(period), backupCount(backups.length)].join(', '),
  };
  return item;
}

/** What a period is called. */
export function periodName({ kind, at }: PeriodNode['period']): string {
  switch (kind) {
    case 'today':
      return vscode.l10n.t('Today');
    case 'yesterday':
      return vscode.l10n.t('Yesterday');
    case 'week':
      return vscode.l10n.t('This week');
    case 'month':
      return at.toLocaleDateString(vscode.env.language, { month: 'long', year: 'numeric' });
  }
}
