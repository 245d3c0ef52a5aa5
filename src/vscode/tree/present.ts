import type * as vscode from 'vscode';
import type { Working } from '../working/working-changes.ts';
import { backupItem } from './lines/backup.ts';
import { changeItem, changesItem } from './lines/changes.ts';
import { entryItem, filesItem } from './lines/entry.ts';
import { messageItem } from './lines/message.ts';
import { periodItem } from './lines/period.ts';
import { setItem } from './lines/set.ts';
import { workingChangeItem, workingDatabasesItem, workingItem, workingTableItem } from './lines/working.ts';
import { type Node, nodeKey } from './nodes.ts';

/** What lines tell that is not in their nodes. */
export interface LineFacts {
  /** How a set's workspace differs from its newest backup, as far as is known. */
  readonly working?: Working | undefined;
  /** Whether the set has databases. */
  readonly hasDatabases?: boolean | undefined;
}

/** What the tree shows for a node: always with a name that can be read out. */
export function present(node: Node, facts: LineFacts = {}): vscode.TreeItem {
  const item = itemOf(node, facts);
  item.id = nodeKey(node);
  item.accessibilityInformation ??= { label: spoken(item) };
  return item;
}

function spoken({ label, description }: vscode.TreeItem): string {
  const name = typeof label === 'string' ? label : (label?.label ?? '');
  return typeof description === 'string' && description !== '' ? `${name}, ${description}` : name;
}

function itemOf(node: Node, { working, hasDatabases = false }: LineFacts): vscode.TreeItem {
  switch (node.type) {
    case 'set':
      return setItem(node);
    case 'working':
      return workingItem(node, working, hasDatabases);
    case 'workingChange':
      return workingChangeItem(node);
    case 'workingDatabases':
      return workingDatabasesItem(node, working);
    case 'workingTable':
      return workingTableItem(node);
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
