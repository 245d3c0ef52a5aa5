import * as vscode from 'vscode';
import { cancelled, type FoundBackup } from '../commands/targets.ts';

/** Where a restore goes. */
export interface Destination {
  /** Absent: the original place. */
  readonly to?: string;
  /** Remove what is not in the backup. */
  readonly delete: boolean;
}

interface DestinationItem extends vscode.QuickPickItem {
  /** Absent: a folder is asked for. */
  readonly destination?: Destination;
}

/** Asks where to restore to; in Restricted Mode only into a folder the user picks. */
export async function chooseWhere({ found }: FoundBackup): Promise<Destination> {
  const directories = found.state.roots.map(({ directory }) => directory).join(', ');
  const original: DestinationItem[] = [
    {
      label: `$(discard) ${vscode.l10n.t('Original place')}`,
      description: directories,
      detail: vscode.l10n.t('Writes what differs; files added since stay.'),
      destination: { delete: false },
    },
    {
      label: `$(history) ${vscode.l10n.t('Original place, exactly as it was')}`,
      detail: vscode.l10n.t('Writes what differs and removes files added since.'),
      destination: { delete: true },
    },
  ];
  const elsewhere: DestinationItem = {
    label: `$(folder-opened) ${vscode.l10n.t('Another folder…')}`,
    detail: vscode.l10n.t('Lays the backup out in a folder; nothing else is touched.'),
  };
  const items = vscode.workspace.isTrusted ? [...original, elsewhere] : [elsewhere];
  const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Where to?') });
  if (picked === undefined) return cancelled();
  return picked.destination ?? { to: await chooseFolder(), delete: false };
}

async function chooseFolder(): Promise<string> {
  const folders = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    canSelectMany: false,
    title: vscode.l10n.t('Restore Into Folder'),
    openLabel: vscode.l10n.t('Restore Here'),
  });
  return folders?.[0]?.fsPath ?? cancelled();
}
