import * as vscode from 'vscode';
import { changeIcon, changeName } from '../../change-words.ts';
import { entryCount, rowCounts } from '../../counts.ts';
import { displayName } from '../../files/backup-uri.ts';
import { formatMoment } from '../../format.ts';
import { kindName } from '../../kinds.ts';
import { placeOfTable, tableName } from '../../rows/rows-uri.ts';
import type { ChangeNode, ChangesNode } from '../nodes.ts';

const { Collapsed, None } = vscode.TreeItemCollapsibleState;

/** The name of what differs, and what is told beside it. */
interface NameAndFolder {
  readonly name: string;
  readonly folder: string;
}

/** What changed since the base: how much, and everything with one click. */
export function changesItem(node: ChangesNode): vscode.TreeItem {
  const { from, changes } = node;
  const locale = vscode.env.language;
  const moment = formatMoment(new Date(from.createdAt), new Date(), locale);
  const title = vscode.l10n.t('Changes since {0} {1}', kindName(from.kind), moment);
  const item = new vscode.TreeItem(title, changes?.length === 0 ? None : Collapsed);
  if (changes !== undefined) {
    const files = changes.filter(({ path }) => path.startsWith('files/')).length;
    const tables = changes.filter(({ type }) => type === 'table').length;
    // What a database is as a whole is no object of it.
    const objects = changes.filter(
      ({ type, path }) => type === 'object' && !path.endsWith('/info.json'),
    ).length;
    item.description = entryCount(files, tables, objects);
    // A narrow view cuts it.
    item.tooltip = `${title} · ${item.description}`;
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

/** One changed file. */
export function changeItem(node: ChangeNode): vscode.TreeItem {
  const { change } = node;
  const was = change.oldPath === undefined ? '' : `${displayName(change.oldPath)} → `;
  const item = changedLine(
    tablePlace(node) ?? nameAndFolder(change.path),
    `${was}${displayName(change.path)}`,
    change.change,
  );
  item.contextValue = 'change';
  if (change.type === 'table') item.iconPath = new vscode.ThemeIcon('table');
  item.command = {
    command: 'crmBackup.showChanges',
    title: vscode.l10n.t('Show Changes'),
    arguments: [node],
  };
  return item;
}

/** A line of something that differs: its name, where it is, and in words what happened to it. */
export function changedLine(
  { name, folder }: NameAndFolder,
  path: string,
  change: Parameters<typeof changeName>[0],
): vscode.TreeItem {
  const item = new vscode.TreeItem(name, None);
  item.description = folder;
  item.iconPath = changeIcon(change);
  item.tooltip = `${path} · ${changeName(change)}`;
  item.accessibilityInformation = { label: [name, changeName(change), folder].join(', ') };
  return item;
}

/** A table, and the database it is in with how many of its rows differ. */
function tablePlace({ change, table }: ChangeNode): NameAndFolder | undefined {
  const place = change.type === 'table' ? placeOfTable(change.path) : undefined;
  if (place === undefined) return undefined;
  const counts = table === undefined ? '' : rowCounts(table);
  const folder = [displayName(place.database), counts].filter((part) => part !== '').join(' · ');
  return { name: displayName(tableName(place)), folder };
}

/** The name of an entry, and the folder it is in without the part every file has: `files/<root>`, or `databases`. */
export function nameAndFolder(path: string): NameAndFolder {
  const parts = path.split('/');
  const common = parts[0] === 'databases' ? 1 : 2;
  return { name: displayName(parts.at(-1) ?? path), folder: displayName(parts.slice(common, -1).join('/')) };
}
