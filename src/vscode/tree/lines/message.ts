import * as vscode from 'vscode';
import type { MessageNode } from '../nodes.ts';

/** A sentence where there is nothing to list. */
export function messageItem({ text, icon, tooltip, command }: MessageNode): vscode.TreeItem {
  const item = new vscode.TreeItem(text, vscode.TreeItemCollapsibleState.None);
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
