import * as vscode from 'vscode';
import type { DrillReport } from '../../core/drill/drill.ts';
import type { App } from '../app.ts';
import { fileCount } from '../counts.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatDuration, formatNumber } from '../format.ts';
import { lackingText } from '../restore/plan-text.ts';
import { fieldOf, pickBackup, pickSet } from './targets.ts';
import { showErrorMessage, showInformationMessage, showWarningMessage } from '../window.ts';

/**
 * Restores a backup to a scratch place, compares it with what was backed up, and says how long it took: the backup it was
 * called on, a set’s latest, or from the palette the one the user picks.
 */
export async function drill(app: App, target?: unknown): Promise<DrillReport> {
  const { workspace, set, backup } =
    target === undefined
      ? await pickBackup(app, target, vscode.l10n.t('The restore of which backup is to be rehearsed?'))
      : { ...(await pickSet(app, target)), backup: fieldOf(target, 'backup') };
  const title = vscode.l10n.t('Rehearsing a restore of {0}', displayName(set));
  const report = await app.works.run(`drill:${workspace}\n${set}`, title, (options) =>
    app.engine.call('drill', { workspace, set, backup }, options),
  );
  for (const notice of report.notices) app.log.warn(notice);
  for (const { message } of report.problems) app.log.warn(message);
  void tell(app, report);
  return report;
}

async function tell(app: App, report: DrillReport): Promise<void> {
  const locale = vscode.env.language;
  const { differences, differenceCount, compared, recoveryTimeMs } = report;
  const time = formatDuration(recoveryTimeMs, locale);
  if (differenceCount === 0) {
    const files = fileCount(compared.entries);
    const rows = formatNumber(compared.rows, locale);
    const { lacking } = report;
    const left = [
      ...report.problems.map(({ message }) => message),
      ...(lacking === undefined ? [] : [lackingText(lacking)]),
    ];
    const what = compared.databases === 0 ? files : vscode.l10n.t('{0}, {1} rows', files, rows);
    const sentence =
      left.length === 0
        ? vscode.l10n.t('The restore took {0}; all came back as it was: {1}.', time, what)
        : vscode.l10n.t('The restore took {0}; what was rehearsed came back as it was: {1}.', time, what);
    const show = left.length === 0 ? showInformationMessage : showWarningMessage;
    void show([sentence, ...left, ...report.notices].join(' '));
    return;
  }
  app.log.error(
    `The rehearsed restore of ${report.backup.slice(0, 12)} differs in ${differenceCount} places.`,
  );
  const sentence = vscode.l10n.t(
    'The rehearsed restore differs from the backup in {0} places.',
    formatNumber(differenceCount, locale),
  );
  const show = vscode.l10n.t('Show Report');
  if ((await showErrorMessage(sentence, show)) === show) {
    const text = differences.map(({ path, message }) => `${displayName(path)}: ${message}`).join('\n');
    await app.documents.show(vscode.l10n.t('Rehearsal Report'), text);
  }
}
