import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { cancelled, type FoundBackup, momentAndLabel } from '../commands/targets.ts';
import { displayName } from '../files/backup-uri.ts';
import { showQuickPick } from '../window.ts';

/** Of more than that, it is not asked which are folders. */
const MOST_LOOKED_AT = 50;

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
export async function chooseWhere(
  app: App,
  backup: FoundBackup,
  paths: readonly string[],
): Promise<Destination> {
  const { found, summary, set } = backup;
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
  // Of a file or a table alone, nothing was added since.
  const offered = (await holdsFolders(app, backup, paths)) ? original : original.slice(0, 1);
  const items = vscode.workspace.isTrusted ? [...offered, elsewhere] : [elsewhere];
  const title = vscode.l10n.t('Restore {0}', [displayName(set), momentAndLabel(summary)].join(', '));
  const picked = await showQuickPick(items, { title, placeHolder: vscode.l10n.t('Where to?') });
  if (picked === undefined) return cancelled();
  return picked.destination ?? { to: await chooseFolder(), delete: false };
}

/** Whether a folder is among what is restored. */
async function holdsFolders(
  app: App,
  { workspace, set, backup }: FoundBackup,
  paths: readonly string[],
): Promise<boolean> {
  if (paths.length === 0) return true;
  const files = paths.filter((path) => !path.startsWith('databases/'));
  if (files.length > MOST_LOOKED_AT || files.some((path) => path.split('/').length < 3)) return true;
  const entries = files.map((path) => app.engine.call('stat', { workspace, set, backup, path }));
  return (await Promise.all(entries)).some(({ type }) => type === 'directory');
}

/** Asks for a folder to lay a backup out in. @throws {CancelledError} */
export async function chooseFolder(): Promise<string> {
  const folders = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    canSelectMany: false,
    title: vscode.l10n.t('Restore Into Folder'),
    openLabel: vscode.l10n.t('Restore Here'),
  });
  return folders?.[0]?.fsPath ?? cancelled();
}
