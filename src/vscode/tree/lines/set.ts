import * as vscode from 'vscode';
import { displayName } from '../../files/backup-uri.ts';
import { formatAge, formatBytes } from '../../format.ts';
import type { SetNode } from '../nodes.ts';
import { setTooltip } from '../tooltips/set.ts';

/** A set: its databases, the age of its last backup, its size. */
export function setItem(node: SetNode): vscode.TreeItem {
  const { state, folderName } = node;
  const locale = vscode.env.language;
  const [latest] = state.backups;
  const item = new vscode.TreeItem(displayName(state.name), vscode.TreeItemCollapsibleState.Expanded);
  const age = latest && formatAge(Date.parse(latest.createdAt), Date.now(), locale);
  const size = latest && formatBytes(latest.bytes.source, locale);
  const parts = [folderName, ...state.databases, age, size];
  item.description = parts.filter((part) => part !== undefined).join(' · ');
  item.contextValue = 'set';
  item.iconPath = new vscode.ThemeIcon('database');
  item.tooltip = setTooltip(state);
  return item;
}
