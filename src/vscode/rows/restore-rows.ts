import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { RowRestorePlan, RestoredRow } from '../../core/restore/rows.ts';
import type { OfRows, RowRange, RowRestoreInput } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { cancelled } from '../commands/targets.ts';
import { EditorError } from '../error.ts';
import { showFailure } from '../failures.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatNumber } from '../format.ts';
import { versionName } from './open-rows.ts';
import { tableName } from './rows-uri.ts';
import { showInformationMessage, showQuickPick, showWarningMessage } from '../window.ts';

/** More rows are restored with their table. */
const MOST_ROWS = 5000;
const ROWS_AT_ONCE = 1000;
/** So many statements stand in the question itself. */
const MOST_ASKED = 4;
const MOST_CHARACTERS = 160;
/** A list that was answered gives the focus back to the page this late; a question that is seen sooner would lose it. */
const FOCUS_MS = 300;

/** Rows somebody has chosen in an editor. */
export interface ChosenRows extends OfRows {
  readonly ranges: readonly RowRange[];
}

/**
 * Plans to restore rows, shows the statements and asks; then restores them, all or none, and offers a way back.
 * @throws {CancelledError} when the user turned away; nothing was changed
 */
export async function restoreRows(app: App, chosen: ChosenRows): Promise<RowRestorePlan> {
  if (!vscode.workspace.isTrusted) {
    const why = vscode.l10n.t('In Restricted Mode, rows can be looked at and copied, not restored.');
    throw new EditorError('untrusted', why);
  }
  const { workspace, set, from, to, database, table } = chosen;
  const side = await chooseSide(app, chosen);
  const focused = delay(FOCUS_MS);
  const keys = await keysOf(app, chosen);
  // Rows of one version are wanted whatever is there now.
  const wanted = { workspace, set, from, to, database, side, selections: [{ table, keys }] };
  const name = displayName(tableName(chosen));
  const key = `restore:${workspace}`;
  const plan = await app.works.run(key, vscode.l10n.t('Comparing rows of {0}', name), (options) =>
    app.engine.call('planRows', { ...wanted, overwrite: true }, options),
  );
  if (plan.statements.length === 0) {
    void showInformationMessage(vscode.l10n.t('These rows are as they are to be already.'));
    return plan;
  }
  await focused;
  await confirm(app, { name, database, isComparison: from !== null }, plan);
  const input: RowRestoreInput = {
    ...wanted,
    overwrite: plan.conflicts.length > 0,
    dependents: plan.dependents.length > 0,
    fingerprint: plan.fingerprint,
  };
  const { restored, ...done } = await app.works.run(
    key,
    vscode.l10n.t('Restoring rows of {0}', name),
    (options) => app.engine.call('restoreRows', input, options),
  );
  const { inserts, updates, deletes } = done;
  app.log.info(`Restored rows of ${name}: ${inserts} inserted, ${updates} updated, ${deletes} deleted.`);
  app.rowsChanged.fire({ workspace, set });
  void tell(app, chosen, restored, done);
  return done;
}

/** Which version rows are to be as in: the older one, unless both are backups and the user says otherwise. */
async function chooseSide(app: App, chosen: ChosenRows): Promise<'before' | 'after'> {
  const { from, to } = chosen;
  if (from === null) return 'after';
  if (to === null) return 'before';
  const items = (
    [
      ['before', from],
      ['after', to],
    ] as const
  ).map(([side, version]) => ({
    label: versionName(app, chosen, version),
    description: side === 'before' ? vscode.l10n.t('the older version') : vscode.l10n.t('the newer version'),
    side,
  }));
  const placeHolder = vscode.l10n.t('Make the rows as they were in which backup?');
  return (await showQuickPick(items, { placeHolder }))?.side ?? cancelled();
}

async function keysOf(app: App, chosen: ChosenRows): Promise<RowRestoreInput['selections'][number]['keys']> {
  const { workspace, set, from, to, database, table, filter, comparison, ranges } = chosen;
  const count = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  if (count > MOST_ROWS) {
    const most = formatNumber(MOST_ROWS, vscode.env.language);
    throw new EditorError(
      'too-many',
      vscode.l10n.t('At most {0} rows are restored at once: select fewer, or restore the table.', most),
    );
  }
  const input = { workspace, set, from, to, database, table, filter, comparison };
  const keys = [];
  for (const { start, end } of ranges) {
    for (let at = start; at < end;) {
      const limit = Math.min(ROWS_AT_ONCE, end - at);
      const { rows, isComplete } = await app.engine.call('rows', { ...input, start: at, limit });
      keys.push(...rows.map((row) => row.key));
      at += rows.length;
      if (rows.length < limit && isComplete) break;
    }
  }
  return keys;
}

/** States the counts and the first statements; whoever wants to read them all does, and is asked again. */
async function confirm(
  app: App,
  { name, database, isComparison }: { name: string; database: string; isComparison: boolean },
  plan: RowRestorePlan,
): Promise<void> {
  const locale = vscode.env.language;
  const { statements, conflicts } = plan;
  const question =
    statements.length === 1
      ? vscode.l10n.t('Restore 1 row of {0}?', name)
      : vscode.l10n.t('Restore {0} rows of {1}?', formatNumber(statements.length, locale), name);
  const more = statements.length - MOST_ASKED;
  const details = [
    countsOf(plan),
    ...(conflicts.length > 0 && isComparison ? [conflictsLine(conflicts.length)] : []),
    ...plan.dependents.map((rows) => dependentsLine(database, rows)),
    vscode.l10n.t('All of it happens in one transaction, or nothing.'),
    '',
    ...statements.slice(0, MOST_ASKED).map(shortened),
    ...(more > 0 ? [vscode.l10n.t('… and {0} more', formatNumber(more, locale))] : []),
  ];
  const yes = vscode.l10n.t('Restore');
  const review = vscode.l10n.t('Review Statements');
  const options = { modal: true, detail: details.join('\n') };
  const chosen = await showWarningMessage(question, options, yes, review);
  if (chosen === yes) return;
  if (chosen !== review) cancelled();
  const text = `-- ${question}\n-- ${countsOf(plan)}\n\n${statements.map((each) => `${each};\n`).join('')}`;
  await app.documents.show(`${vscode.l10n.t('Statements')} – ${name}.sql`, text);
  const after = await showQuickPick([yes, vscode.l10n.t('Cancel')], {
    placeHolder: question,
    // It stays while the statements are read.
    ignoreFocusOut: true,
  });
  if (after !== yes) cancelled();
}

function countsOf({ inserts, updates, deletes, unchanged }: RowRestorePlan): string {
  const [inserted, updated, deleted, kept] = [inserts, updates, deletes, unchanged].map((count) =>
    formatNumber(count, vscode.env.language),
  ) as [string, string, string, string];
  return vscode.l10n.t(
    'Inserted: {0}. Updated: {1}. Deleted: {2}. Already so: {3}.',
    inserted,
    updated,
    deleted,
    kept,
  );
}

function conflictsLine(count: number): string {
  if (count === 1) {
    return vscode.l10n.t(
      '1 of them is neither as in the one version nor as in the other by now; that would be lost.',
    );
  }
  return vscode.l10n.t(
    '{0} of them are neither as in the one version nor as in the other by now; that would be lost.',
    formatNumber(count, vscode.env.language),
  );
}

function dependentsLine(
  database: string,
  { table, becomes, rows }: RowRestorePlan['dependents'][number],
): string {
  const count = formatNumber(rows, vscode.env.language);
  const name = displayName(tableName({ table, database }));
  return becomes === 'deleted'
    ? vscode.l10n.t('Rows of {0} that refer to them will be deleted with them: {1}.', name, count)
    : vscode.l10n.t('Rows of {0} that refer to them will no longer do so: {1}.', name, count);
}

function shortened(statement: string): string {
  const line = displayName(statement);
  return line.length <= MOST_CHARACTERS ? line : `${line.slice(0, MOST_CHARACTERS)}…`;
}

async function tell(
  app: App,
  chosen: ChosenRows,
  restored: readonly RestoredRow[],
  { statements }: RowRestorePlan,
): Promise<void> {
  const { workspace, set, database } = chosen;
  const name = displayName(tableName(chosen));
  const undo = vscode.l10n.t('Undo');
  const sentence =
    statements.length === 1
      ? vscode.l10n.t('1 row of {0} restored.', name)
      : vscode.l10n.t(
          '{0} rows of {1} restored.',
          formatNumber(statements.length, vscode.env.language),
          name,
        );
  if ((await showInformationMessage(sentence, undo)) !== undo) return;
  try {
    await app.works.run(
      `restore:${workspace}`,
      vscode.l10n.t('Taking back the rows of {0}', name),
      (options) => app.engine.call('undoRows', { workspace, set, database, restored }, options),
    );
    app.rowsChanged.fire({ workspace, set });
    void showInformationMessage(vscode.l10n.t('The rows of {0} are as they were.', name));
  } catch (error) {
    void showFailure(app.log, error);
  }
}
