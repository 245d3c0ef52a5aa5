import * as vscode from 'vscode';
import type { Problem } from '../../core/problem.ts';
import type { EntryChange, InVersions } from '../../engine/protocol.ts';
import type { FailureData } from '../../engine/failure.ts';
import type { App } from '../app.ts';
import { tellHint, tellUncompared } from '../unread.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatNumber } from '../format.ts';
import { offerTables, showTables } from '../rows/offer-tables.ts';
import { diffSides, type Side } from './sides.ts';
import { showInformationMessage } from '../window.ts';

/** The multi-diff editor loads every file it is given: more than this it is not given. */
const MOST_FILES = 300;

/** Two moments of a set and what differs between them. */
export interface Comparison {
  readonly set: string;
  readonly from: Side;
  readonly to: Side;
  readonly changes: readonly EntryChange[];
  /** Where rows of the tables among the changes are shown; absent where they cannot be. */
  readonly versions?: InVersions;
  /** What could not be read. */
  readonly problems: readonly Problem[];
  /** Why there is less to see than there could be. */
  readonly hint: FailureData | undefined;
}

/** Shows all files that differ in one editor; says so when none does. */
export async function showComparison(app: App, comparison: Comparison): Promise<void> {
  const { set, from, to, changes, versions, problems, hint } = comparison;
  tellHint(app.log, hint);
  void tellUncompared(app.log, problems);
  const tables = versions === undefined ? [] : changes.filter(({ type }) => type === 'table');
  const files = changes.filter((change) => change.type !== 'directory' && !tables.includes(change));
  if (versions !== undefined && files.length === 0 && tables.length > 0)
    return showTables(app, versions, tables);
  if (files.length === 0) {
    const message =
      versions === undefined
        ? vscode.l10n.t('No file changed between {0} and {1}.', from.title, to.title)
        : vscode.l10n.t('Nothing changed between {0} and {1}.', from.title, to.title);
    void showInformationMessage(message);
    return;
  }
  const resources = files.slice(0, MOST_FILES).map((change) => {
    const { label, before, after } = diffSides(app.documents, from, to, change);
    return [label, before, after];
  });
  await vscode.commands.executeCommand('vscode.changes', titleOf(set, from, to, files.length), resources);
  if (versions !== undefined) void offerTables(app, versions, tables);
}

function titleOf(set: string, from: Side, to: Side, files: number): string {
  const title = `${displayName(set)}: ${from.title} ↔ ${to.title}`;
  if (files <= MOST_FILES) return title;
  const locale = vscode.env.language;
  return `${title} ${vscode.l10n.t('(first {0} of {1} files)', formatNumber(MOST_FILES, locale), formatNumber(files, locale))}`;
}

/** Shows one changed file: both sides beside each other, or the only one there is; a preview leaves the focus where it is. */
export async function showFile(
  app: App,
  from: Side,
  to: Side,
  change: EntryChange,
  preserveFocus = false,
): Promise<void> {
  const options = { preview: true, preserveFocus };
  const { before, after } = diffSides(app.documents, from, to, change);
  const name = displayName(change.path.slice(change.path.lastIndexOf('/') + 1));
  if (before === undefined || after === undefined) {
    const only = before ?? after;
    if (only !== undefined) await vscode.commands.executeCommand('vscode.open', only, options);
    return;
  }
  const title = `${name} (${from.title} ↔ ${to.title})`;
  await vscode.commands.executeCommand('vscode.diff', before, after, title, options);
}
