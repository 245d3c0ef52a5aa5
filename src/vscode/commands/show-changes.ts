import * as vscode from 'vscode';
import type { BackupSummary, OfBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { showComparison, showFile } from '../diff/show.ts';
import { backupSide } from '../diff/sides.ts';
import { EditorError } from '../error.ts';
import { openTableNode } from '../rows/open-rows.ts';
import { baseOf, type ChangeNode } from '../tree/nodes.ts';
import { type FoundBackup, pickBackup } from './targets.ts';

/** Shows what changed since the backup this one is told against; on a changed file, that file alone. */
export async function showChanges(app: App, target?: unknown): Promise<void> {
  if (isChange(target)) return showOneChange(app, target);
  const found = await pickBackup(app, target, vscode.l10n.t('Show the changes of which backup?'));
  const from = baseOf(found.found.state.backups, found.summary);
  if (from === undefined) {
    throw new EditorError(
      'no-backup',
      vscode.l10n.t('This is the first backup: there is nothing to compare it with.'),
    );
  }
  await showBetween(app, from, found);
}

/** Shows what differs between two backups of a set. */
export async function showBetween(
  app: App,
  from: BackupSummary,
  { workspace, set, backup, summary }: FoundBackup,
): Promise<void> {
  const { changes, problems, hint } = await app.engine.call('changes', {
    workspace,
    set,
    backup,
    from: from.id,
    paths: [],
    probe: true,
  });
  await showComparison(app, {
    set,
    from: backupSide(set, from),
    to: backupSide(set, summary),
    changes,
    versions: { workspace, set, from: from.id, to: backup },
    problems,
    hint,
  });
}

/** Shows one changed file: both sides beside each other, or the only one there is. */
export async function showOneChange(app: App, node: ChangeNode): Promise<void> {
  const { workspace, set, backup, from, change } = node;
  if (change.type === 'table') return openTableNode(app, node);
  const summary = app.sets.findBackup({ workspace, set, backup });
  if (summary === undefined) return;
  // A list of many changes does not know of every file whether it is text; asked for one, it does.
  const paths = [change.path];
  const asked = { workspace, set, backup, from: from.id, paths, probe: true };
  const [probed] = (await app.engine.call('changes', asked)).changes;
  const known = { ...change, binary: change.binary || probed?.binary === true };
  await showFile(app, backupSide(set, from), backupSide(set, summary), known);
}

function isChange(target: unknown): target is OfBackup & ChangeNode {
  return typeof target === 'object' && target !== null && 'type' in target && target.type === 'change';
}
