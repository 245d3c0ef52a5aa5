import * as vscode from 'vscode';
import type { Verification } from '../../core/vault/verify.ts';
import type { App } from '../app.ts';
import { backupCount, fileCount } from '../counts.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes } from '../format.ts';
import { cancelled, fieldOf, pickSet } from './targets.ts';
import { showErrorMessage, showInformationMessage, showQuickPick, showWarningMessage } from '../window.ts';

/** Checks a backup, or all of a set's vault, as thoroughly as the user picks. */
export async function verify(app: App, target?: unknown): Promise<Verification> {
  const { workspace, set } = await pickSet(app, target);
  const level = await pickLevel();
  const title = vscode.l10n.t('Verifying {0}', displayName(set));
  const backup = fieldOf(target, 'backup');
  const result = await app.works.run(`verify:${workspace}\n${set}`, title, (options) =>
    app.engine.call('verify', { workspace, set, backup, level }, options),
  );
  await app.sets.refresh();
  void tell(app, result);
  return result;
}

async function pickLevel(): Promise<'quick' | 'data'> {
  const items = [
    {
      label: vscode.l10n.t('Quick'),
      detail: vscode.l10n.t('Everything a backup needs is there and has its right size.'),
      level: 'quick' as const,
    },
    {
      label: vscode.l10n.t('Every byte'),
      detail: vscode.l10n.t('All data is read, decoded and compared with its checksum.'),
      level: 'data' as const,
    },
  ];
  const picked = await showQuickPick(items, { placeHolder: vscode.l10n.t('How thoroughly?') });
  return picked?.level ?? cancelled();
}

async function tell(app: App, { checked, damage, known, notices }: Verification): Promise<void> {
  for (const notice of notices) app.log.warn(notice);
  const locale = vscode.env.language;
  if (damage.length === 0 && known.length > 0) {
    const sentence = vscode.l10n.t(
      'No new damage found, but not all was read: damage was found before in {0}. Verify every byte to see what it is.',
      backupCount(known.length),
    );
    void showWarningMessage(sentence);
    return;
  }
  if (damage.length === 0) {
    const sentence = vscode.l10n.t(
      'No damage found: {0} checked, {1}.',
      backupCount(checked.backups),
      formatBytes(checked.bytes, locale),
    );
    void showInformationMessage(sentence);
    return;
  }
  app.log.error(`Damage found in ${damage.length} objects.`);
  const report = vscode.l10n.t('Show Report');
  if ((await showErrorMessage(damageSentence(damage), report)) === report) {
    await app.documents.show(vscode.l10n.t('Damage Report'), damageReport(damage));
  }
}

function damageSentence(damage: Verification['damage']): string {
  const backups = new Set(damage.flatMap((each) => each.backups)).size;
  const files = damage.reduce((sum, { pathCount }) => sum + pathCount, 0);
  if (backups === 0)
    return vscode.l10n.t('Damage found in the vault, but no backup has lost anything by it.');
  return vscode.l10n.t('Damage found: {0} of {1} affected.', fileCount(files), backupCount(backups));
}

function damageReport(damage: Verification['damage']): string {
  return damage
    .flatMap(({ object, problems, backups, paths, lists, pathCount }) => [
      object,
      ...problems.map((problem) => `    ${problem}`),
      vscode.l10n.t('Backups: {0}', backups.map((id) => id.slice(0, 12)).join(', ')),
      vscode.l10n.t('Files: {0}', pathCount),
      ...lists.map(({ root, path, entries }) => {
        const from = displayName(path);
        return `    ${vscode.l10n.t('Of {0} the list is lost from {1} on; entries it named: {2}', displayName(root), from, entries)}`;
      }),
      ...paths.map((path) => `    ${displayName(path)}`),
      '',
    ])
    .join('\n');
}
