import * as vscode from 'vscode';
import type { RestoreResult } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { displayName } from '../files/backup-uri.ts';
import { rowsThatDiffer } from '../restore/changed-rows.ts';
import { chooseWhat } from '../restore/choose-what.ts';
import { chooseWhere } from '../restore/choose-where.ts';
import { originalPlace, runRestore } from '../restore/run-restore.ts';
import { showSince } from './compare-with-workspace.ts';
import { fieldOf, momentAndLabel, pickBackup } from './targets.ts';

/** Picks a backup, what of it, and where to; then restores with a preview. A target answers what it knows. */
export async function restore(
  app: App,
  target?: unknown,
  selected?: unknown,
): Promise<RestoreResult | undefined> {
  const source = sourceOf(target);
  const backup = await pickBackup(app, source, vscode.l10n.t('Restore which backup?'), {
    takesOnly: true,
  });
  const given = pathsOf(source, selected);
  const paths = given.length > 0 ? given : await chooseWhat(app, backup);
  const destination = await chooseWhere(app, backup, paths);
  const { workspace, set, found, summary } = backup;
  const { to } = destination;
  const isSafe =
    to === undefined && vscode.workspace.getConfiguration('crmBackup').get('backUpBeforeRestore', true);
  const request = { workspace, set, backup: backup.backup, paths, safetyBackup: isSafe, ...destination };
  return runRestore(app, {
    workspace,
    set,
    backup: [displayName(set), momentAndLabel(summary)].join(', '),
    destination: to ?? originalPlace(found.state.roots),
    to,
    isSafe,
    plan: (options, consent) => app.engine.call('planRestore', { ...request, ...consent }, options),
    apply: (options, consent) => app.engine.call('restore', { ...request, ...consent }, options),
    rows:
      to === undefined
        ? async (options, databases) => rowsThatDiffer(app, backup, paths, databases, options)
        : undefined,
    compare: to === undefined ? async () => showSince(app, backup, paths) : undefined,
  });
}

/** A file that a backup no longer has is restored from the one that had it last. */
function sourceOf(target: unknown): unknown {
  if (typeof target !== 'object' || target === null || !('change' in target) || !('from' in target))
    return target;
  const { change, from } = target as { change?: { change?: unknown }; from?: { id?: unknown } };
  return change?.change === 'deleted' ? { ...target, backup: from?.id } : target;
}

/** The entries that were chosen in the tree, of the same backup as the one the menu was opened on. */
function pathsOf(target: unknown, selected: unknown): string[] {
  const path = fieldOf(target, 'path');
  if (path === undefined || path === '') return [];
  const backup = fieldOf(target, 'backup');
  const others = (Array.isArray(selected) ? selected : [])
    .map(sourceOf)
    .filter((node) => fieldOf(node, 'backup') === backup)
    .map((node) => fieldOf(node, 'path'))
    .filter((other) => other !== undefined);
  return [...new Set([path, ...others])];
}
