import * as vscode from 'vscode';
import { MOST_LISTED, type OfSet, setNamed, toldBackup } from './named.ts';
import type { Tool } from './tool.ts';

interface Input extends OfSet {
  readonly limit?: number;
}

const USUALLY_LISTED = 20;

/** Tells the backups of a set, the newest first. */
export const listBackupsTool: Tool<Input> = {
  prepare: async () => Promise.resolve({ invocationMessage: vscode.l10n.t('Listing backups') }),

  async answer(app, input) {
    const { set, state } = await setNamed(app, input);
    const limit = Math.min(input.limit ?? USUALLY_LISTED, MOST_LISTED);
    const backups = state.backups.slice(0, limit).map(toldBackup);
    return { set, total: state.backups.length, backups, problem: state.problem?.message };
  },
};
