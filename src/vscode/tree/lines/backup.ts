import * as vscode from 'vscode';
import { displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatMoment, formatTime } from '../../format.ts';
import { kindName } from '../../kinds.ts';
import type { BackupNode } from '../nodes.ts';
import { backupTooltip } from '../tooltips/backup.ts';

/** A backup: when, what it is called, its kind, what it takes, and how it stands. */
export function backupItem({ summary }: BackupNode): vscode.TreeItem {
  const locale = vscode.env.language;
  const at = new Date(summary.createdAt);
  const when = isToday(at) ? formatTime(at, locale) : formatMoment(at, new Date(), locale);
  const label = summary.label === undefined ? when : `${when}  ${displayName(summary.label)}`;
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  const marks = [
    isDamaged(summary) ? vscode.l10n.t('damaged') : undefined,
    summary.status === 'partial' ? vscode.l10n.t('partial') : undefined,
    summary.pinned ? vscode.l10n.t('pinned') : undefined,
    summary.verifiedAt === undefined ? undefined : vscode.l10n.t('verified'),
  ].filter((mark) => mark !== undefined);
  const git = summary.git && `${summary.git.branch ?? 'HEAD'}@${summary.git.commit.slice(0, 7)}`;
  const size = formatBytes(summary.bytes.stored, locale);
  item.description = [kindName(summary.kind), size, ...marks, git]
    .filter((part) => part !== undefined)
    .join(' · ');
  item.iconPath = backupIcon(summary);
  item.contextValue = ['backup', summary.pinned ? 'pinned' : 'unpinned'].join('.');
  item.tooltip = backupTooltip(summary);
  item.accessibilityInformation = { label: [label, item.description].join(', ') };
  return item;
}

/** A full disc for a full backup, half of one for a differential, a ring for an incremental. */
function backupIcon(summary: BackupNode['summary']): vscode.ThemeIcon {
  if (summary.status === 'partial' || isDamaged(summary))
    return new vscode.ThemeIcon('warning', new vscode.ThemeColor('crmBackup.incompleteBackup'));
  const icons = {
    full: 'circle-large-filled',
    differential: 'color-mode',
    incremental: 'circle-large-outline',
  };
  return new vscode.ThemeIcon(icons[summary.kind]);
}

/** Whether content has been lost, as far as anybody has looked. */
function isDamaged({ lostPaths = 0 }: BackupNode['summary']): boolean {
  return lostPaths > 0;
}

function isToday(at: Date): boolean {
  return at.toDateString() === new Date().toDateString();
}
