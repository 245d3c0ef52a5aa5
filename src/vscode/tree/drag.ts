import * as vscode from 'vscode';
import { addressToPath, BACKUP_SCHEME } from '../files/backup-uri.ts';
import type { Node } from './nodes.ts';

const URI_LIST = 'text/uri-list';

/** Lets backups, files and tables be dragged out of the tree: dropped in the Explorer they are copied, in an editor opened. */
export class DragOut implements vscode.TreeDragAndDropController<Node> {
  readonly dragMimeTypes = [URI_LIST];
  readonly dropMimeTypes = [];

  handleDrag(source: readonly Node[], data: vscode.DataTransfer): void {
    const uris = source.flatMap((node) => contentOf(node) ?? []).map((uri) => uri.toString());
    if (uris.length > 0) data.set(URI_LIST, new vscode.DataTransferItem(uris.join('\r\n')));
  }
}

/** What a line holds, as the file system of backups has it; undefined for lines that hold nothing. */
function contentOf(node: Node): vscode.Uri | undefined {
  switch (node.type) {
    case 'backup':
      return address(node.set, node.backup, '');
    case 'files':
    case 'entry':
      return address(node.set, node.backup, node.path);
    case 'change':
      // What is gone is in the backup before.
      return address(node.set, node.change.change === 'deleted' ? node.from.id : node.backup, node.path);
    case 'workingChange':
      return node.change.change === 'added' ? undefined : address(node.set, node.backup, node.path);
    default:
      return undefined;
  }
}

function address(set: string, backup: string, path: string): vscode.Uri {
  return vscode.Uri.from({ scheme: BACKUP_SCHEME, path: addressToPath({ set, backup, path }) });
}
