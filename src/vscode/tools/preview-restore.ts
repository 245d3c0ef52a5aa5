import * as vscode from 'vscode';
import { backupNamed, MOST_LISTED, type OfSet, requireTrust, setNamed } from './named.ts';
import type { Tool } from './tool.ts';

interface Input extends OfSet {
  readonly backup?: string;
  readonly paths?: readonly string[];
  readonly deleteAdded?: boolean;
}

/** Tells what a restore to the original place would do. Restoring itself is for the user alone. */
export const previewRestoreTool: Tool<Input> = {
  prepare: async () =>
    Promise.resolve({ invocationMessage: vscode.l10n.t('Comparing a backup with what is there now') }),

  async answer(app, input, token) {
    requireTrust();
    const found = await setNamed(app, input);
    const { workspace, set } = found;
    const backup = backupNamed(found, input.backup).id;
    const { paths = [], deleteAdded = false } = input;
    const request = { workspace, set, backup, paths, delete: deleteAdded, safetyBackup: true };
    const { steps, databases, ...counts } = await app.engine.call('planRestore', request, { token });
    return {
      set,
      backup,
      plan: { ...counts, databases },
      steps: steps.slice(0, MOST_LISTED),
      done: 'Nothing was changed. The user can carry it out with the command “CRM Backup: Restore…”.',
    };
  },
};
