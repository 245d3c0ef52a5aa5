import * as vscode from 'vscode';
import type { OfBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { diffSides } from '../diff/sides.ts';
import { EditorError } from '../error.ts';
import { tellHint } from '../failures.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatNumber } from '../format.ts';
import { baseOf, type ChangeNode } from '../tree/nodes.ts';
import { momentAndLabel, pickBackup } from './targets.ts';

/** The multi-diff editor loads every file it is given: more than this it is not given. */
const MOST_FILES = 300;

/** Shows what changed since the backup this one is told against; on a changed file, that file alone. */
export async function showChanges(app: App, target?: unknown): Promise<void> {
  if (isChange(target)) return showOneChange(app, target);
  const found = await pickBackup(app, target, vscode.l10n.t('Show the changes of which backup?'));
  const { workspace, set, backup, summary } = found;
  const from = baseOf(found.found.state.backups, summary);
  if (from === undefined) {
    throw new EditorError(
      'no-backup',
      vscode.l10n.t('This is the first backup: there is nothing to compare it with.'),
    );
  }
  const { changes, hint } = await app.engine.call('changes', {
    workspace,
    set,
    backup,
    from: from.id,
    paths: [],
    probe: true,
  });
  tellHint(app.log, hint);
  const files = changes.filter(({ type }) => type !== 'directory');
  if (files.length === 0) {
    const message = vscode.l10n.t(
      'Nothing changed between {0} and {1}.',
      momentAndLabel(from),
      momentAndLabel(summary),
    );
    void vscode.window.showInformationMessage(message);
    return;
  }
  const resources = files.slice(0, MOST_FILES).map((change) => {
    const { label, before, after } = diffSides(app.documents, { workspace, set, backup }, from.id, change);
    return [label, before, after];
  });
  await vscode.commands.executeCommand(
    'vscode.changes',
    titleOf(set, momentAndLabel(from), momentAndLabel(summary), files.length),
    resources,
  );
}

function titleOf(set: string, from: string, to: string, files: number): string {
  const title = `${displayName(set)}: ${from} ↔ ${to}`;
  if (files <= MOST_FILES) return title;
  const locale = vscode.env.language;
  return `${title} ${vscode.l10n.t('(first {0} of {1} files)', formatNumber(MOST_FILES, locale), formatNumber(files, locale))}`;
}

/** Shows one changed file: both sides beside each other, or the only one there is. */
export async function showOneChange(
  app: App,
  { workspace, set, backup, from, change }: ChangeNode,
): Promise<void> {
  // A list of many changes does not know of every file whether it is text; asked for one, it does.
  const { changes } = await app.engine.call('changes', {
    workspace,
    set,
    backup,
    from: from.id,
    paths: [change.path],
    probe: true,
  });
  const [probed] = changes;
  const known = { ...change, binary: change.binary || probed?.binary === true };
  const { before, after } = diffSides(app.documents, { workspace, set, backup }, from.id, known);
  const summary = app.sets.findBackup({ workspace, set, backup });
  const name = displayName(change.path.slice(change.path.lastIndexOf('/') + 1));
  if (before === undefined || after === undefined) {
    const only = before ?? after;
    if (only !== undefined) await vscode.commands.executeCommand('vscode.open', only, { preview: true });
    return;
  }
  const title =
    summary === undefined ? name : `${name} (${momentAndLabel(from)} ↔ ${momentAndLabel(summary)})`;
  await vscode.commands.executeCommand('vscode.diff', before, after, title, { preview: true });
}

function isChange(target: unknown): target is OfBackup & ChangeNode {
  return typeof target === 'object' && target !== null && 'type' in target && target.type === 'change';
}
