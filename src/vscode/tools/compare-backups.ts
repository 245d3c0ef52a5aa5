import * as vscode from 'vscode';
import { EditorError } from '../error.ts';
import { baseOf } from '../tree/nodes.ts';
import { backupNamed, MOST_LISTED, type OfSet, setNamed } from './named.ts';
import type { Tool } from './tool.ts';

interface Input extends OfSet {
  readonly backup?: string;
  readonly from?: string;
}

/** Tells what differs between two backups: files and tables. */
export const compareBackupsTool: Tool<Input> = {
  prepare: async () => Promise.resolve({ invocationMessage: vscode.l10n.t('Comparing backups') }),

  async answer(app, input, token) {
    const found = await setNamed(app, input);
    const { workspace, set, state } = found;
    const to = backupNamed(found, input.backup);
    const from = input.from === undefined ? baseOf(state.backups, to) : backupNamed(found, input.from);
    if (from === undefined) {
      throw new EditorError('no-backup', 'This is the first backup: there is nothing to compare it with.');
    }
    const between = { workspace, set, backup: to.id, from: from.id, paths: [], probe: true };
    const { changes, problems: unread } = await app.engine.call('changes', between, { token });
    const entries = changes
      .filter(({ type }) => type === 'file' || type === 'link')
      .map(({ path, change, oldPath, binary, before, after }) => ({
        path,
        change,
        oldPath,
        binary,
        before,
        after,
      }));
    const versions = { workspace, set, from: from.id, to: to.id };
    const { tables, problems } = await app.engine.call('tables', versions, { token });
    return {
      set,
      from: from.id,
      to: to.id,
      total: entries.length,
      entries: entries.slice(0, MOST_LISTED),
      tables,
      problems: [
        ...unread.map(({ path, message }) => `${path}: ${message}`),
        ...problems.map(({ message }) => message),
      ],
    };
  },
};
