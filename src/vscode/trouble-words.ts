import * as vscode from 'vscode';
import type { SetState } from '../engine/protocol.ts';
import { displayName } from './files/backup-uri.ts';
import { formatAge } from './format.ts';

type Trouble = SetState['troubles'][number];

/** One sentence about a trouble of a set. */
export function troubleText(set: string, { code, message, lastBackup }: Trouble): string {
  const name = displayName(set);
  switch (code) {
    case 'overdue': {
      const age = formatAge(Date.parse(lastBackup ?? ''), Date.now(), vscode.env.language);
      return vscode.l10n.t('{0}: a backup is overdue, the last one was taken {1}.', name, age);
    }
    case 'failed':
      return vscode.l10n.t('{0}: a scheduled run failed: {1}', name, message ?? '');
    case 'hook-failed':
    case 'damaged':
      return `${name}: ${message ?? ''}`;
  }
}
