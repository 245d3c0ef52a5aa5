import * as vscode from 'vscode';
import type { Consent, RestorePlan, RestoreResult } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { cancelled } from '../commands/targets.ts';
import { fileCount } from '../counts.ts';
import { codeOf } from '../error.ts';
import type { CallOptions } from '../engine.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatDuration } from '../format.ts';
import { cautions, planText, skippedText, type TableChanges } from './plan-text.ts';
import { showInformationMessage, showQuickPick, showWarningMessage } from '../window.ts';

/** A restore that has been decided on, or its undoing. */
export interface PendingRestore {
  readonly workspace: string;
  readonly set: string;
  /** What is restored: “espocrm, 10:42”. */
  readonly backup: string;
  /** Where it goes, for people. */
  readonly destination: string;
  /** A folder it goes to instead of the original place. */
  readonly to: string | undefined;
  /** Whether a safety backup comes first. */
  readonly isSafe: boolean;
  readonly plan: (options: CallOptions, consent: Consent) => Promise<RestorePlan>;
  readonly apply: (options: CallOptions, consent: Consent) => Promise<RestoreResult>;
  /** Shows the files of the backup beside those they would replace; absent where there is nothing to compare. */
  readonly compare?: (() => Promise<void>) | undefined;
  /** Which rows of the databases would change, for the preview; absent where nobody can tell before. */
  readonly rows?: ((options: CallOptions, databases: readonly string[]) => Promise<TableChanges>) | undefined;
}

/**
 * Plans a restore, shows the plan and asks where something would be replaced or deleted, carries it out, and tells
 * what was done with a way back.
 * @throws {CancelledError} when the user turned away; nothing was changed
 */
export async function runRestore(app: App, pending: PendingRestore): Promise<RestoreResult | undefined> {
  const key = `restore:${pending.workspace}`;
  const comparing = vscode.l10n.t('Comparing with {0}', pending.backup);
  const restoring = vscode.l10n.t('Restoring {0}', pending.backup);
  const consents = new Consents();
  const plan = await consents.asking((consent) =>
    app.works.run(key, comparing, (options) => pending.plan(options, consent)),
  );
  if (plan.create + plan.replace + plan.delete + plan.databases.length === 0) {
    const already = vscode.l10n.t('Everything there is as in the backup already.');
    if (plan.skipped === undefined) void showInformationMessage(already);
    else void showWarningMessage(skippedText(plan.skipped));
    return undefined;
  }
  const isAsked = plan.replace + plan.delete > 0 || replacedDatabases(plan).length > 0;
  if (isAsked) await confirm(app, pending, plan);
  const result = await consents.asking((consent) =>
    app.works.run(key, restoring, (options) => pending.apply(options, consent), pending.isSafe),
  );
  const { create, replace, delete: removed } = result.plan;
  app.log.info(
    `Restored ${pending.backup} to ${pending.destination}: ${create} created, ${replace} replaced, ` +
      `${removed} deleted, ${result.plan.databases.length} databases, ${result.durationMs} ms; safety backup: ${result.safetyBackup ?? 'none'}.`,
  );
  await app.sets.refresh();
  const { skipped } = result.plan;
  const untold = isAsked ? [] : cautions({ ...plan, skipped: undefined });
  void tell(pending, result, skipped === undefined ? untold : [...untold, skippedText(skipped)]);
  return result;
}

/** States the counts; whoever wants to know the names gets them, and is asked again when they have read. */
async function confirm(app: App, pending: PendingRestore, plan: RestorePlan): Promise<void> {
  const question = questionOf(plan);
  const details = [
    vscode.l10n.t('Created: {0}. Unchanged: {1}.', fileCount(plan.create), fileCount(plan.unchanged)),
    pending.isSafe
      ? vscode.l10n.t('A safety backup is taken first, so that this can be undone.')
      : vscode.l10n.t('No safety backup is taken: this cannot be undone.'),
    ...cautions(plan),
    ...plan.databases.flatMap(({ notices }) => notices.map(displayName)),
  ];
  const yes = vscode.l10n.t('Restore');
  const review = vscode.l10n.t('Show Preview');
  const options = { modal: true, detail: details.join('\n') };
  const compare = vscode.l10n.t('Compare Files');
  const looks =
    pending.compare === undefined || plan.replace + plan.delete === 0 ? [review] : [review, compare];
  const chosen = await showWarningMessage(question, options, yes, ...looks);
  if (chosen === yes) return;
  if (chosen === compare) await pending.compare?.();
  else if (chosen === review) {
    const rows = await changedRows(app, pending, plan);
    const text = planText(plan, pending.backup, pending.destination, rows);
    await app.documents.show(vscode.l10n.t('Restore Preview'), text);
  } else cancelled();
  // The list lies over the heading of the preview, so it says the same.
  const restore = { label: yes, description: `${pending.backup} → ${pending.destination}` };
  const after = await showQuickPick([restore, { label: vscode.l10n.t('Cancel') }], {
    placeHolder: question,
    // It stays while the preview is read.
    ignoreFocusOut: true,
  });
  if (after !== restore) cancelled();
}

/** Rows are compared only for the preview: it reads the databases from end to end. */
async function changedRows(
  app: App,
  { workspace, backup, rows }: PendingRestore,
  plan: RestorePlan,
): Promise<TableChanges | undefined> {
  const names = replacedDatabases(plan).map(({ database }) => database);
  if (rows === undefined || names.length === 0) return undefined;
  const title = vscode.l10n.t('Comparing the rows with {0}', backup);
  return app.works.run(`restore:${workspace}`, title, (options) => rows(options, names));
}

function questionOf(plan: RestorePlan): string {
  const replaced = [
    ...(plan.replace === 0 ? [] : [fileCount(plan.replace)]),
    ...replacedDatabases(plan).map(({ database }) => vscode.l10n.t('database {0}', displayName(database))),
  ];
  const removed = fileCount(plan.delete);
  if (replaced.length === 0) return vscode.l10n.t('Delete {0}?', removed);
  const listed = inWords(replaced);
  return plan.delete === 0
    ? vscode.l10n.t('Replace {0}?', listed)
    : vscode.l10n.t('Replace {0} and delete {1}?', listed, removed);
}

function replacedDatabases({ databases }: RestorePlan): RestorePlan['databases'] {
  return databases.filter(({ creates }) => !creates);
}

function inWords(parts: readonly string[]): string {
  return new Intl.ListFormat(vscode.env.language).format(parts);
}

/**
 * Whether others who use a database may be sent away, and whether what is damaged may be left out; asked when it turns out
 * that it has to be.
 */
class Consents {
  readonly #given = { endSessions: false, skipDamaged: false };

  /** @throws {CancelledError} when the user would rather not; nothing was changed */
  async asking<T>(work: (consent: Consent) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work({ ...this.#given });
      } catch (error) {
        const code = codeOf(error);
        if (!(error instanceof Error)) throw error;
        if (code === 'in-use' && !this.#given.endSessions) {
          const detail = vscode.l10n.t('Nothing was changed yet.');
          await agree(error.message, detail, vscode.l10n.t('End Their Sessions'));
          this.#given.endSessions = true;
        } else if ((code === 'damaged' || code === 'missing-chunk') && !this.#given.skipDamaged) {
          const detail = vscode.l10n.t(
            'Nothing was changed yet. What is whole can be restored; what is damaged is left out.',
          );
          await agree(error.message, detail, vscode.l10n.t('Restore What Is Whole'));
          this.#given.skipDamaged = true;
        } else throw error;
      }
    }
  }
}

/** @throws {CancelledError} when the user turns away */
async function agree(question: string, detail: string, yes: string): Promise<void> {
  if ((await showWarningMessage(question, { modal: true, detail }, yes)) !== yes) cancelled();
}

/** @param untold what the user has not been told before, because nothing was asked */
async function tell(
  { workspace, set, to }: PendingRestore,
  result: RestoreResult,
  untold: readonly string[],
): Promise<void> {
  const { plan, durationMs, safetyBackup, verified } = result;
  const files = plan.create + plan.replace + plan.delete;
  const names = plan.databases.map(({ database }) => vscode.l10n.t('database {0}', displayName(database)));
  const what = inWords([...(files === 0 ? [] : [fileCount(files)]), ...names]);
  const duration = formatDuration(durationMs, vscode.env.language);
  const sentence = verified
    ? vscode.l10n.t('{0} restored and verified in {1}.', what, duration)
    : vscode.l10n.t('{0} restored in {1}.', what, duration);
  const undo = vscode.l10n.t('Undo');
  const open = vscode.l10n.t('Open Folder');
  const actions = to !== undefined ? [open] : safetyBackup === null ? [] : [undo];
  const chosen = await (untold.length === 0
    ? showInformationMessage(sentence, ...actions)
    : showWarningMessage([sentence, ...untold].join(' '), ...actions));
  if (chosen === undo) {
    // It may be clicked long after, when something else was restored.
    await vscode.commands.executeCommand('crmBackup.undoRestore', { workspace, set, meant: safetyBackup });
  }
  if (chosen === open && to !== undefined) {
    await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(to), { forceNewWindow: true });
  }
}

/** How a set's directories are named as the place a restore goes to. */
export function originalPlace(roots: readonly { readonly directory: string }[]): string {
  return roots.map(({ directory }) => displayName(directory)).join(', ');
}
