import * as vscode from 'vscode';
import { changeIcon, changeName } from '../change-words.ts';
import { BACKUP_SCHEME, addressToPath, displayName } from '../files/backup-uri.ts';
import { formatAge, formatBytes, formatMoment, formatNumber, formatTime } from '../format.ts';
import { backupCount, fileCount } from '../counts.ts';
import { kindName } from '../kinds.ts';
import type {
  BackupNode,
  ChangeNode,
  ChangesNode,
  EntryNode,
  FilesNode,
  MessageNode,
  Node,
  PeriodNode,
  SetNode,
} from './nodes.ts';
import { nodeKey } from './nodes.ts';
import { backupTooltip, setTooltip } from './tooltips.ts';

const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;

/** What the tree shows for a node. */
export function present(node: Node): vscode.TreeItem {
  const item = itemOf(node);
  item.id = nodeKey(node);
  return item;
}

function itemOf(node: Node): vscode.TreeItem {
  switch (node.type) {
    case 'set':
      return setItem(node);
    case 'period':
      return periodItem(node);
    case 'backup':
      return backupItem(node);
    case 'changes':
      return changesItem(node);
    case 'change':
      return changeItem(node);
    case 'files':
      return filesItem(node);
    case 'entry':
      return entryItem(node);
    case 'message':
      return messageItem(node);
  }
}

function setItem(node: SetNode): vscode.TreeItem {
  const { state, folderName } = node;
  const locale = vscode.env.language;
  const [latest] = state.backups;
  const item = new vscode.TreeItem(displayName(state.name), Expanded);
  const age = latest && formatAge(Date.parse(latest.createdAt), Date.now(), locale);
  const size = latest && formatBytes(latest.bytes.source, locale);
  const parts = [folderName, ...state.databases, age, size];
  item.description = parts.filter((part) => part !== undefined).join(' · ');
  item.contextValue = 'set';
  item.iconPath = new vscode.ThemeIcon('database');
  item.tooltip = setTooltip(state);
  return item;
}

function periodItem({ period, backups, first }: PeriodNode): vscode.TreeItem {
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

function backupItem({ summary }: BackupNode): vscode.TreeItem {
  const locale = vscode.env.language;
  const at = new Date(summary.createdAt);
  const when = isToday(at) ? formatTime(at, locale) : formatMoment(at, new Date(), locale);
  const label = summary.label === undefined ? when : `${when}  ${displayName(summary.label)}`;
  const item = new vscode.TreeItem(label, Collapsed);
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
    return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
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

function changesItem(node: ChangesNode): vscode.TreeItem {
  const { from, changes } = node;
  const locale = vscode.env.language;
  const moment = formatMoment(new Date(from.createdAt), new Date(), locale);
  const title = vscode.l10n.t('Changes since {0} {1}', kindName(from.kind), moment);
  const item = new vscode.TreeItem(title, changes?.length === 0 ? None : Collapsed);
  if (changes !== undefined) {
    item.description = changes.length === 0 ? vscode.l10n.t('none') : fileCount(changes.length);
  }
  item.contextValue = 'changes';
  item.iconPath = new vscode.ThemeIcon('diff-multiple');
  item.command = {
    command: 'crmBackup.showChanges',
    title: vscode.l10n.t('Show Changes Since Base'),
    arguments: [node],
  };
  return item;
}

function changeItem(node: ChangeNode): vscode.TreeItem {
  const { change } = node;
  const { name, folder } = nameAndFolder(change.path);
  const item = new vscode.TreeItem(name, None);
  item.description = folder;
  item.contextValue = 'change';
  item.iconPath = changeIcon(change.change);
  const was = change.oldPath === undefined ? '' : `${displayName(change.oldPath)} → `;
  item.tooltip = `${was}${displayName(change.path)} · ${changeName(change.change)}`;
  item.command = {
    command: 'crmBackup.showChanges',
    title: vscode.l10n.t('Show Changes'),
    arguments: [node],
  };
  item.accessibilityInformation = { label: [name, changeName(change.change), folder].join(', ') };
  return item;
}

/** The name of an entry, and the folder it is in without the part every file has: `files/<root>`. */
function nameAndFolder(path: string): { readonly name: string; readonly folder: string } {
  const parts = path.split('/');
  return { name: displayName(parts.at(-1) ?? path), folder: displayName(parts.slice(2, -1).join('/')) };
}

function filesItem({ path }: FilesNode): vscode.TreeItem {
  const isFiles = path === 'files';
  const item = new vscode.TreeItem(isFiles ? vscode.l10n.t('Files') : vscode.l10n.t('Databases'), Collapsed);
  item.contextValue = 'files';
  item.iconPath = isFiles ? vscode.ThemeIcon.Folder : new vscode.ThemeIcon('database');
  return item;
}

function entryItem(node: EntryNode): vscode.TreeItem {
  const { info } = node;
  const directory = info.type === 'directory';
  const item = new vscode.TreeItem(
    displayName(info.path.slice(info.path.lastIndexOf('/') + 1)),
    directory ? Collapsed : None,
  );
  const uri = vscode.Uri.from({ scheme: BACKUP_SCHEME, path: addressToPath(node) });
  item.resourceUri = uri;
  item.iconPath = entryIcon(info);
  // Of a database, the whole and its tables can be restored, nothing else.
  const canRestore = !/^databases\/.+\//.test(info.path) || info.type === 'table';
  item.contextValue = canRestore ? `entry.${info.type}` : 'part';
  item.tooltip = displayName(info.path);
  if (info.type === 'link') item.description = `→ ${displayName(info.target ?? '')}`;
  else if (!directory) item.description = formatBytes(info.size, vscode.env.language);
  // The rows of a SQLite table are not kept as text.
  const opens = info.type === 'table' ? info.size > 0 : !directory && info.type !== 'link';
  if (opens) {
    item.command = {
      command: 'vscode.open',
      title: vscode.l10n.t('Open'),
      arguments: [uri, { preview: true }],
    };
  }
  return item;
}

function entryIcon({ path, type }: EntryNode['info']): vscode.ThemeIcon {
  if (type === 'table') return new vscode.ThemeIcon('table');
  if (type !== 'directory') return vscode.ThemeIcon.File;
  return /^databases\/[^/]+$/.test(path) ? new vscode.ThemeIcon('database') : vscode.ThemeIcon.Folder;
}

function messageItem({ text, icon, tooltip, command }: MessageNode): vscode.TreeItem {
  const item = new vscode.TreeItem(text, None);
  const colours = { info: undefined, warning: 'list.warningForeground', error: 'list.errorForeground' };
  const colour = colours[icon];
  item.iconPath = new vscode.ThemeIcon(
    icon,
    colour === undefined ? undefined : new vscode.ThemeColor(colour),
  );
  item.tooltip = tooltip ?? text;
  if (command !== undefined) item.command = { ...command, arguments: command.arguments ?? [] };
  return item;
}
