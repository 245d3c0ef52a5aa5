import * as vscode from 'vscode';
import type { RestorePlan, RestoreResult } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { cancelled } from '../commands/targets.ts';
import { fileCount } from '../counts.ts';
import type { CallOptions } from '../engine.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatDuration } from '../format.ts';
import { planText } from './plan-text.ts';

/** A restore that has been decided on, or its undoing. */
export interface PendingRestore {
  readonly workspace: string;
  /** What is restored: “espocrm, 10:42”. */
  readonly backup: string;
  /** Where it goes, for people. */
  readonly destination: string;
  /** A folder it goes to instead of the original place. */
  readonly to: string | undefined;
  /** Whether a safety backup comes first. */
  readonly isSafe: boolean;
  readonly plan: (options: CallOptions) => Promise<RestorePlan>;
  readonly apply: (options: CallOptions) => Promise<RestoreResult>;
}

/**
 * Plans a restore, shows the plan and asks where something would be replaced or deleted, carries it out, and tells
 * what was done with a way back.
 * @throws {CancelledError} when the user turned away; nothing was changed
 */
export async function runRestore(app: App, pending: PendingRestore): Promise<RestoreResult | undefined> {
  const key = `restore:${pending.workspace}`;
  const comparing = vscode.l10n.t('Comparing with {0}', pending.backup);
  const plan = await app.works.run(key, comparing, pending.plan);
  if (plan.create + plan.replace + plan.delete === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Everything there is as in the backup already.'));
    return undefined;
  }
  if (plan.replace + plan.delete > 0) await confirm(app, pending, plan);
  const result = await app.works.run(key, vscode.l10n.t('Restoring {0}', pending.backup), pending.apply);
  const { create, replace, delete: removed } = result.plan;
  app.log.info(
    `Restored ${pending.backup} to ${pending.destination}: ${create} created, ${replace} replaced, ` +
      `${removed} deleted, ${result.durationMs} ms; safety backup: ${result.safetyBackup ?? 'none'}.`,
  );
  await app.sets.refresh();
  void tell(pending, result);
  return result;
}

/** States the counts; whoever wants to know the names gets them, and is asked again when they have read. */
async function confirm(app: App, pending: PendingRestore, plan: RestorePlan): Promise<void> {
  const question =
    plan.delete === 0
      ? vscode.l10n.t('Replace {0}?', fileCount(plan.replace))
      : plan.replace === 0
        ? vscode.l10n.t('Delete {0}?', fileCount(plan.delete))
        : vscode.l10n.t('Replace {0} and delete {1}?', fileCount(plan.replace), fileCount(plan.delete));
  const details = [
    vscode.l10n.t('Created: {0}. Unchanged: {1}.', fileCount(plan.create), fileCount(plan.unchanged)),
    pending.isSafe
      ? vscode.l10n.t('A safety backup is taken first, so that this can be undone.')
      : vscode.l10n.t('No safety backup is taken: this cannot be undone.'),
  ];
  const yes = vscode.l10n.t('Restore');
  const review = vscode.l10n.t('Review Files');
  const options = { modal: true, detail: details.join('\n') };
  const chosen = await vscode.window.showWarningMessage(question, options, yes, review);
  if (chosen === yes) return;
  if (chosen !== review) cancelled();
  await app.documents.show(
    vscode.l10n.t('Restore Preview'),
    planText(plan, pending.backup, pending.destination),
  );
  const after = await vscode.window.showQuickPick([yes, vscode.l10n.t('Cancel')], {
    placeHolder: question,
    // It stays while the list is read.
    ignoreFocusOut: true,
  });
  if (after !== yes) cancelled();
}

async function tell({ to }: PendingRestore, result: RestoreResult): Promise<void> {
  const { plan, durationMs, safetyBackup, verified } = result;
  const files = fileCount(plan.create + plan.replace + plan.delete);
  const duration = formatDuration(durationMs, vscode.env.language);
  const sentence = verified
    ? vscode.l10n.t('{0} restored and verified in {1}.', files, duration)
    : vscode.l10n.t('{0} restored in {1}.', files, duration);
  const undo = vscode.l10n.t('Undo');
  const open = vscode.l10n.t('Open Folder');
  const actions = to !== undefined ? [open] : safetyBackup === null ? [] : [undo];
  const chosen = await vscode.window.showInformationMessage(sentence, ...actions);
  if (chosen === undo) await vscode.commands.executeCommand('crmBackup.undoRestore');
  if (chosen === open && to !== undefined) {
    await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(to), { forceNewWindow: true });
  }
}

/** How a set's directories are named as the place a restore goes to. */
export function originalPlace(roots: readonly { readonly directory: string }[]): string {
  return roots.map(({ directory }) => displayName(directory)).join(', ');
}
