import * as vscode from 'vscode';
import type { EntryChange, InVersions } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatNumber } from '../format.ts';
import { openRows } from './open-rows.ts';
import { placeOfTable, tableName } from './rows-uri.ts';
import { showInformationMessage, showQuickPick } from '../window.ts';

/** Beside files, an editor of differences cannot show rows: they are one click away. */
export async function offerTables(
  app: App,
  versions: InVersions,
  tables: readonly EntryChange[],
): Promise<void> {
  if (tables.length === 0) return;
  const rows = vscode.l10n.t('Show Rows…');
  const sentence =
    tables.length === 1
      ? vscode.l10n.t('Rows of 1 table changed, too.')
      : vscode.l10n.t('Rows of {0} tables changed, too.', formatNumber(tables.length, vscode.env.language));
  if ((await showInformationMessage(sentence, rows)) === rows) await showTables(app, versions, tables);
}

/** Shows the rows of the only table, or of the one the user picks. */
export async function showTables(
  app: App,
  versions: InVersions,
  tables: readonly EntryChange[],
): Promise<void> {
  const { workspace, set, from, to } = versions;
  const items = tables.flatMap(({ path }) => {
    const place = placeOfTable(path);
    if (place === undefined) return [];
    return {
      label: displayName(tableName(place)),
      description: displayName(place.database),
      iconPath: new vscode.ThemeIcon('table'),
      target: { workspace, set, from, to, ...place },
    };
  });
  const [only, ...others] = items;
  const placeHolder = vscode.l10n.t('Show the rows of which table?');
  const picked =
    only !== undefined && others.length === 0
      ? only
      : await showQuickPick(items, { placeHolder, matchOnDescription: true });
  if (picked !== undefined) await openRows(app, picked.target);
}
