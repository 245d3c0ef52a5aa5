import * as vscode from 'vscode';
import type { RestoreResult, UndoPlan } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { displayName } from '../files/backup-uri.ts';
import { rowsThatDiffer } from '../restore/changed-rows.ts';
import { originalPlace, runRestore } from '../restore/run-restore.ts';
import { fieldOf } from './targets.ts';

/**
 * Brings back what the last restore has replaced or deleted, and removes what it has created.
 * @param target a set, and as `meant` the safety backup of the restore that must be its last; without one, the set that
 * was restored last
 */
export async function undoRestore(app: App, target?: unknown): Promise<RestoreResult | undefined> {
  // The last one may have been done by the command line meanwhile.
  await app.sets.refresh();
  const [workspace, set, meant] = ['workspace', 'set', 'meant'].map((name) => fieldOf(target, name));
  const [latest] = app.sets
    .all()
    .filter((found) => found.state.restoredAt !== undefined)
    .filter((found) => workspace === undefined || found.workspace === workspace)
    .filter((found) => set === undefined || found.set === set)
    .sort((a, b) => (b.state.restoredAt ?? '').localeCompare(a.state.restoredAt ?? ''));
  if (latest === undefined) throw new EditorError('no-backup', vscode.l10n.t('There is no restore to undo.'));
  const request = { workspace: latest.workspace, set: latest.set };
  let planned: UndoPlan | undefined;
  return runRestore(app, {
    ...request,
    backup: vscode.l10n.t('{0}, before the last restore', displayName(latest.set)),
    destination: originalPlace(latest.state.roots),
    to: undefined,
    isSafe: true,
    plan: async (options, consent) =>
      (planned = await app.engine.call('planUndo', { ...request, meant, ...consent }, options)),
    // What was shown is what is done.
    apply: (options, consent) =>
      app.engine.call('undoRestore', { ...request, meant: planned?.backup ?? meant, ...consent }, options),
    rows: async (options, databases) => {
      if (planned === undefined) return { tables: [], problems: [] };
      const { backup, databasePaths } = planned;
      return rowsThatDiffer(app, { ...request, backup }, databasePaths, databases, options);
    },
  });
}
