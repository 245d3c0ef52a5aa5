import * as vscode from 'vscode';
import type { BackupKind } from '../core/vault/record.ts';

/** What a kind of backup is called. */
export function kindName(kind: BackupKind): string {
  switch (kind) {
    case 'full':
      return vscode.l10n.t('full');
    case 'incremental':
      return vscode.l10n.t('incremental');
    case 'differential':
      return vscode.l10n.t('differential');
  }
}

/** What is done by itself. */
export function jobName(kind: string): string {
  switch (kind) {
    case 'full':
    case 'incremental':
    case 'differential':
      return kindName(kind);
    case 'drill':
      return vscode.l10n.t('rehearsed restore');
    case 'verify':
      return vscode.l10n.t('verification');
    default:
      return vscode.l10n.t('backup');
  }
}
