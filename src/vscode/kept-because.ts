import * as vscode from 'vscode';
import type { BackupSummary } from '../engine/protocol.ts';

/** Why the retention keeps a backup, or that it does not. */
export function keptText(reasons: NonNullable<BackupSummary['keptBecause']>): string {
  if (reasons.length === 0) return vscode.l10n.t('no longer: the retention forgets it next');
  return reasons.map(reasonName).join(', ');
}

function reasonName(reason: string): string {
  const [word = '', span = ''] = reason.split(' ');
  switch (word) {
    case 'pinned':
      return vscode.l10n.t('pinned');
    case 'last':
      return vscode.l10n.t('one of the latest');
    case 'within':
      return vscode.l10n.t('of the last {0}', span);
    case 'hourly':
      return vscode.l10n.t('last of its hour');
    case 'daily':
      return vscode.l10n.t('last of its day');
    case 'weekly':
      return vscode.l10n.t('last of its week');
    case 'monthly':
      return vscode.l10n.t('last of its month');
    case 'yearly':
      return vscode.l10n.t('last of its year');
    case 'safety':
      return vscode.l10n.t('safety backup of the last {0}', span);
    case 'in-the-future':
      return vscode.l10n.t('dated later than now: a clock was wrong');
    case 'latest-complete':
      return vscode.l10n.t('the latest complete one');
    default:
      return reason;
  }
}
