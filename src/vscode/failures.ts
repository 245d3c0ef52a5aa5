import * as vscode from 'vscode';
import { CancelledError } from '../core/errors.ts';
import { codeOf } from './error.ts';
import type { Log } from './log.ts';
import { sentenceOf } from './sentences.ts';
import { showErrorMessage } from './window.ts';

/**
 * Tells the user what failed: one sentence and at most two actions; everything else goes to the log. What the
 * user has cancelled needs no telling.
 */
export async function showFailure(log: Log, error: unknown): Promise<void> {
  if (error instanceof CancelledError) return;
  const sentence = sentenceOf(error);
  log.error(sentence, error);
  const remedy = remedyFor(codeOf(error));
  const showLog = vscode.l10n.t('Show Log');
  const actions = remedy === undefined ? [showLog] : [remedy.title, showLog];
  const chosen = await showErrorMessage(sentence, ...actions);
  if (chosen === showLog) log.show();
  else if (chosen !== undefined && remedy !== undefined) await vscode.commands.executeCommand(remedy.command);
}

/** The next step, where there is an obvious one. */
function remedyFor(
  code: string | undefined,
): { readonly title: string; readonly command: string } | undefined {
  switch (code) {
    case 'no-set':
      return { title: vscode.l10n.t('Create Backup Set…'), command: 'crmBackup.createSet' };
    case 'invalid-set-file':
    case 'nothing-to-back-up':
      return { title: vscode.l10n.t('Edit Backup Set'), command: 'crmBackup.editSet' };
    case 'untrusted':
      return { title: vscode.l10n.t('Manage Trust'), command: 'workbench.trust.manage' };
    case 'no-space':
      return { title: vscode.l10n.t('Free Unused Space'), command: 'crmBackup.prune' };
    default:
      return undefined;
  }
}
