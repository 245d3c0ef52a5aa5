import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { momentAndLabel } from '../commands/targets.ts';
import { displayName } from '../files/backup-uri.ts';
import type { ChangeNode, EntryNode, WorkingTableNode } from '../tree/nodes.ts';
import { placeOfTable, ROWS_SCHEME, rowsAddress, type RowsTarget, tableName } from './rows-uri.ts';

/** The address of an editor of rows. */
function rowsUri(app: App, target: RowsTarget): vscode.Uri {
  const names = [target.from, target.to].filter((version, at) => at > 0 || version !== null);
  const versions = names.map((version) => versionName(app, target, version)).join(' ↔ ');
  const title = `${displayName(tableName(target))} (${versions})`;
  return vscode.Uri.from({ scheme: ROWS_SCHEME, ...rowsAddress(target, title) });
}

/** Opens the rows of a table. */
export async function openRows(app: App, target: RowsTarget): Promise<void> {
  await vscode.commands.executeCommand('vscode.open', rowsUri(app, target), { preview: true });
}

/** Opens the rows of a table of the tree: what differs of one that changed, all of any other. */
export async function openTableNode(
  app: App,
  node: ChangeNode | EntryNode | WorkingTableNode,
): Promise<void> {
  const { workspace, set, backup } = node;
  if (node.type === 'workingTable') {
    const { database, path } = node.table;
    return openRows(app, { workspace, set, from: backup, to: null, database, table: path });
  }
  const place = placeOfTable(node.path);
  const from = node.type === 'change' ? node.from.id : null;
  if (place !== undefined) await openRows(app, { workspace, set, from, to: backup, ...place });
}

/** What a version is called: the moment of its backup, or now. */
export function versionName(
  { sets }: Pick<App, 'sets'>,
  { workspace, set }: RowsTarget,
  version: string | null,
): string {
  if (version === null) return vscode.l10n.t('now');
  const summary = sets.findBackup({ workspace, set, backup: version });
  return summary === undefined ? version.slice(0, 8) : momentAndLabel(summary);
}
