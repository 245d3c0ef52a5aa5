import * as vscode from 'vscode';
import { entryCount, rowCounts } from '../../counts.ts';
import { displayName } from '../../files/backup-uri.ts';
import { formatMoment } from '../../format.ts';
import { OPEN_ROWS } from '../../ids.ts';
import { countAddress } from '../../working/decorations.ts';
import type { Working } from '../../working/working-changes.ts';
import type { WorkingChangeNode, WorkingDatabasesNode, WorkingNode, WorkingTableNode } from '../nodes.ts';
import { changedLine, nameAndFolder } from './changes.ts';

const { Collapsed, None } = vscode.TreeItemCollapsibleState;

/** How the workspace differs from the newest backup: how much, and everything with one click. */
export function workingItem(
  node: WorkingNode,
  known: Working | undefined,
  hasDatabases: boolean,
): vscode.TreeItem {
  const { from } = node;
  const moment = formatMoment(new Date(from.createdAt), new Date(), vscode.env.language);
  const isNothing = known?.files?.length === 0 && known.problems.length === 0 && !hasDatabases;
  const item = new vscode.TreeItem(
    vscode.l10n.t('Working changes since {0}', moment),
    isNothing ? None : Collapsed,
  );
  if (known?.files !== undefined) {
    const rest = hasDatabases ? uncompared(known) : undefined;
    item.description = entryCount(known.files.length, known.tables?.length, known.objects.length, rest);
  }
  item.contextValue = 'working';
  // What `Decorations` is asked about: in a narrow view the label takes the place of the description.
  item.resourceUri = countAddress(node);
  item.iconPath = new vscode.ThemeIcon('edit');
  const hint = vscode.l10n.t(
    'How the workspace differs from the newest backup. Select to compare and to edit.',
  );
  item.tooltip = typeof item.description === 'string' ? `${item.description}\n\n${hint}` : hint;
  item.command = compareWithWorkspace(node);
  return item;
}

/** One file, or one object of a database, that is not as the newest backup has it. */
export function workingChangeItem(node: WorkingChangeNode): vscode.TreeItem {
  const { change } = node;
  const item = changedLine(nameAndFolder(change.path), displayName(change.path), change.change);
  // What the backup does not have cannot be restored from it, nor a single object.
  const isRestorable = change.type !== 'object' && change.change !== 'added';
  item.contextValue = isRestorable ? 'working.change' : 'working.other';
  item.command = compareWithWorkspace(node);
  return item;
}

/** The databases as they are now; they are compared when this is opened, for that may take a while. */
export function workingDatabasesItem(
  _node: WorkingDatabasesNode,
  known: Working | undefined,
): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('Databases'), Collapsed);
  item.description =
    known?.tables === undefined
      ? vscode.l10n.t('compared when opened')
      : entryCount(0, known.tables.length, known.objects.length, uncompared(known));
  item.contextValue = 'workingDatabases';
  item.iconPath = new vscode.ThemeIcon('database');
  return item;
}

/** A table with other rows than the newest backup has. */
export function workingTableItem(node: WorkingTableNode): vscode.TreeItem {
  const { table } = node;
  const { database, change } = table;
  const name = displayName(`${database}.${table.table}`);
  const item = changedLine({ name, folder: rowCounts(table) }, name, change);
  item.contextValue = 'workingTable';
  item.iconPath = new vscode.ThemeIcon('table');
  item.command = { command: OPEN_ROWS, title: vscode.l10n.t('Show Changes'), arguments: [node] };
  return item;
}

/** What of the databases is not known, for that takes asking: no count may be taken for all that differs. */
function uncompared({ tables, unread }: Working): string | undefined {
  if (tables === undefined) return vscode.l10n.t('databases not compared');
  return unread.length === 0 ? undefined : vscode.l10n.t('not all databases compared');
}

function compareWithWorkspace(node: WorkingNode | WorkingChangeNode): vscode.Command {
  return {
    command: 'crmBackup.compareWithWorkspace',
    title: vscode.l10n.t('Compare with Workspace'),
    arguments: [node],
  };
}
