import type { EntryChange, TextMatch } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import type { FoundSet } from '../sets.ts';
import { showOneChange } from './show-changes.ts';

/** Shows what a backup changed in a file since the backup before it. */
export async function showChangeBefore(
  app: App,
  { workspace, set, state }: FoundSet,
  { backup, path, oldPath }: TextMatch,
): Promise<void> {
  const at = state.backups.findIndex(({ id }) => id === backup);
  const summary = state.backups[at];
  if (summary === undefined) return;
  const from = state.backups[at + 1] ?? summary;
  const paths = oldPath === undefined ? [path] : [path, oldPath];
  const input = { workspace, set, backup, from: from.id, paths, probe: true };
  const { changes } = await app.engine.call('changes', input);
  // Of the first backup nothing comes before: its file stands alone.
  const alone: EntryChange = { path, change: 'added', type: 'file', after: 0, binary: false };
  const found = changes.find((each) => each.path === path) ?? alone;
  const old = changes.find((each) => each.path === oldPath);
  const change =
    old === undefined ? found : { ...found, change: 'renamed' as const, oldPath, before: old.before };
  await showOneChange(app, { type: 'change', workspace, set, backup, path, from, change });
}
