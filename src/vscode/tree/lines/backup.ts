import * as vscode from 'vscode';
import { addressToPath, BACKUP_SCHEME, displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatMoment, formatTime } from '../../format.ts';
import { kindName } from '../../kinds.ts';
import type { BackupNode } from '../nodes.ts';

type Summary = BackupNode['summary'];

/**
 * A backup: when, what it is called, its kind, what it takes; by icon and badge how it stands, which is read out in words.
 * It has no tooltip until somebody rests on it: that is made then.
 */
export function backupItem({ set, backup, summary }: BackupNode): vscode.TreeItem {
  const locale = vscode.env.language;
  const at = new Date(summary.createdAt);
  const when = isToday(at) ? formatTime(at, locale) : formatMoment(at, new Date(), locale);
  const label = summary.label === undefined ? when : `${when}  ${displayName(summary.label)}`;
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  const troubles = [
    ...(isDamaged(summary) ? [vscode.l10n.t('damaged')] : []),
    ...(summary.status === 'partial' ? [vscode.l10n.t('partial')] : []),
  ];
  const git = summary.git && `${summary.git.branch ?? 'HEAD'}@${summary.git.commit.slice(0, 7)}`;
  const facts = [kindName(summary.kind), formatBytes(summary.bytes.stored, locale)];
  const source = git === undefined ? [] : [displayName(git)];
  item.description = [...troubles, ...facts, ...source].join(' · ');
  item.iconPath = backupIcon(summary);
  item.contextValue = ['backup', summary.pinned ? 'pinned' : 'unpinned'].join('.');
  // What `BackupBadges` is asked about.
  item.resourceUri = vscode.Uri.from({
    scheme: BACKUP_SCHEME,
    path: addressToPath({ set, backup, path: '' }),
  });
  const marks = [
    ...(summary.pinned ? [vscode.l10n.t('pinned')] : []),
    ...(summary.verifiedAt === undefined ? [] : [vscode.l10n.t('verified')]),
  ];
  item.accessibilityInformation = { label: [label, ...troubles, ...facts, ...marks, ...source].join(', ') };
  return item;
}

/** A pin for what is kept for good; else a full disc for a full backup, half of one for a differential, a ring for an incremental. */
function backupIcon(summary: Summary): vscode.ThemeIcon {
  if (summary.status === 'partial' || isDamaged(summary))
    return new vscode.ThemeIcon('warning', new vscode.ThemeColor('crmBackup.incompleteBackup'));
  if (summary.pinned) return new vscode.ThemeIcon('pinned');
  const icons = {
    full: 'circle-large-filled',
    differential: 'color-mode',
    incremental: 'circle-large-outline',
  };
  return new vscode.ThemeIcon(icons[summary.kind]);
}

/** Whether content is damaged or has been lost, as far as anybody has looked. */
export function isDamaged({ lostPaths = 0, damagedAt }: Pick<Summary, 'lostPaths' | 'damagedAt'>): boolean {
  return lostPaths > 0 || damagedAt !== undefined;
}

function isToday(at: Date): boolean {
  return at.toDateString() === new Date().toDateString();
}
