import * as vscode from 'vscode';
import type { RestorePlan, RestoreRequest, RestoreResult } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { cancelled } from '../commands/targets.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatDuration, formatNumber } from '../format.ts';
import { planText } from './plan-text.ts';

/** What a restore is called: “espocrm, 10:42”, and where it goes. */
export interface RestoreNames {
  readonly backup: string;
  readonly destination: string;
}

/**
 * Plans a restore, shows the plan and asks where something would be replaced or deleted, carries it out, and tells
 * what was done with a way back.
 * @throws {CancelledError} when the user turned away; nothing was changed
 */
export async function runRestore(
  app: App,
  request: RestoreRequest,
  names: RestoreNames,
): Promise<RestoreResult | undefined> {
  const key = `restore:${request.workspace}`;
  const title = vscode.l10n.t('Restoring {0}', names.backup);
  const plan = await app.works.run(key, vscode.l10n.t('Comparing with {0}', names.backup), (options) =>
    app.engine.call('planRestore', request, options),
  );
  if (plan.create + plan.replace + plan.delete === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Everything there is as in the backup already.'));
    return undefined;
  }
  if (plan.replace + plan.delete > 0) await confirm(app, request, plan, names);
  const result = await app.works.run(key, title, (options) => app.engine.call('restore', request, options));
  app.log.info(
    `Restored ${names.backup} to ${names.destination}: ${result.plan.create} created, ${result.plan.replace} replaced, ` +
      `${result.plan.delete} deleted, ${result.durationMs} ms.`,
  );
  if (request.to === undefined) await rememberUndo(app, request, result);
  await app.sets.refresh();
  void tell(app, request, result);
  return result;
}

async function confirm(
  app: App,
  request: RestoreRequest,
  plan: RestorePlan,
  names: RestoreNames,
): Promise<void> {
  const text = planText(plan, names.backup, names.destination);
  await app.documents.show(vscode.l10n.t('Restore Preview.md'), text);
  const count = (value: number): string => formatNumber(value, vscode.env.language);
  const details = [
    vscode.l10n.t('{0} are created, {1} stay as they are.', count(plan.create), count(plan.unchanged)),
    request.safetyBackup
      ? vscode.l10n.t('A safety backup is taken first, so that this can be undone.')
      : vscode.l10n.t('No safety backup is taken: this cannot be undone.'),
  ];
  const question =
    plan.delete === 0
      ? vscode.l10n.t('Replace {0} files?', count(plan.replace))
      : vscode.l10n.t('Replace {0} files and delete {1}?', count(plan.replace), count(plan.delete));
  const yes = vscode.l10n.t('Restore');
  const options = { modal: true, detail: details.join('\n') };
  if ((await vscode.window.showWarningMessage(question, options, yes)) !== yes) cancelled();
}

async function rememberUndo(app: App, request: RestoreRequest, result: RestoreResult): Promise<void> {
  const { workspace, set, paths } = request;
  const backup = result.safetyBackup;
  await app.lastRestore.remember(backup === null ? undefined : { workspace, set, backup, paths });
}

async function tell(
  app: App,
  request: RestoreRequest,
  { plan, durationMs, verified }: RestoreResult,
): Promise<void> {
  const locale = vscode.env.language;
  const count = formatNumber(plan.create + plan.replace + plan.delete, locale);
  const duration = formatDuration(durationMs, locale);
  const sentence = verified
    ? vscode.l10n.t('{0} files restored and verified in {1}.', count, duration)
    : vscode.l10n.t('{0} files restored in {1}.', count, duration);
  const undo = vscode.l10n.t('Undo');
  const open = vscode.l10n.t('Open Folder');
  const { to } = request;
  const actions = to !== undefined ? [open] : app.lastRestore.undo === undefined ? [] : [undo];
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
