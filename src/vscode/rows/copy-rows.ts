import * as vscode from 'vscode';
import type { Input } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { formatNumber } from '../format.ts';
import { showWarningMessage, tellInPassing, withProgress } from '../window.ts';

/** Puts rows on the clipboard, whole, in a form that others read. */
export async function copyRows(app: App, input: Input<'copyRows'>): Promise<void> {
  const { workspace, set, from, to, database, table, filter, comparison, ranges, format } = input;
  const rowsOf = { workspace, set, from, to, database, table, filter, comparison };
  const progress = { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Copying rows') };
  const { text, rows, left } = await withProgress(progress, () =>
    app.engine.call('copyRows', { ...rowsOf, ranges, format }),
  );
  await vscode.env.clipboard.writeText(text);
  const name = format.toUpperCase();
  const message =
    rows === 1
      ? vscode.l10n.t('1 row copied as {0}.', name)
      : vscode.l10n.t('{0} rows copied as {1}.', formatNumber(rows, vscode.env.language), name);
  tellInPassing(message);
  if (left === 0) return;
  const missing =
    left === 1
      ? vscode.l10n.t('1 deleted row is left out: without a key no statement can find it.')
      : vscode.l10n.t(
          '{0} deleted rows are left out: without a key no statement can find them.',
          formatNumber(left, vscode.env.language),
        );
  void showWarningMessage(missing);
}
