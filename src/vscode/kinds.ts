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
