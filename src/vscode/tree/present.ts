import type * as vscode from 'vscode';
import { backupItem } from './lines/backup.ts';
import { changeItem, changesItem } from './lines/changes.ts';
import { entryItem, filesItem } from './lines/entry.ts';
import { messageItem } from './lines/message.ts';
import { periodItem } from './lines/period.ts';
import { setItem } from './lines/set.ts';
import { type Node, nodeKey } from './nodes.ts';

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
