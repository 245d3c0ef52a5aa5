import * as vscode from 'vscode';
import { entryAmount } from '../../counts.ts';
import { BACKUP_SCHEME, addressToPath, displayName } from '../../files/backup-uri.ts';
import { OPEN_ROWS } from '../../ids.ts';
import type { EntryNode, FilesNode } from '../nodes.ts';

const { Collapsed, None } = vscode.TreeItemCollapsibleState;

/** All files of a backup, or all its databases. */
export function filesItem({ path }: FilesNode): vscode.TreeItem {
  const isFiles = path === 'files';
  const item = new vscode.TreeItem(isFiles ? vscode.l10n.t('Files') : vscode.l10n.t('Databases'), Collapsed);
  item.contextValue = 'files';
  item.iconPath = isFiles ? vscode.ThemeIcon.Folder : new vscode.ThemeIcon('database');
  return item;
}

/** One entry of a backup; what can be read opens. */
export function entryItem(node: EntryNode): vscode.TreeItem {
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
  else if (!directory) item.description = entryAmount(info);
  if (info.type === 'table') {
    item.command = { command: OPEN_ROWS, title: vscode.l10n.t('Open'), arguments: [node] };
  } else if (!directory && info.type !== 'link') {
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
