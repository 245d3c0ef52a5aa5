import * as vscode from 'vscode';
import type { EntryInfo } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { cancelled, type FoundBackup } from '../commands/targets.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes, formatNumber } from '../format.ts';

interface PathItem extends vscode.QuickPickItem {
  /** What is chosen; [] is everything. */
  readonly paths?: readonly string[];
  /** A folder to look into instead. */
  readonly enter?: string;
}

/** Asks what of a backup to restore: all files, one root, or a folder or file found by walking through it. */
export async function chooseWhat(app: App, backup: FoundBackup): Promise<readonly string[]> {
  const { summary } = backup;
  const locale = vscode.env.language;
  const roots = await list(app, backup, 'files');
  const all = vscode.l10n.t(
    '{0} files, {1}',
    formatNumber(summary.files.total, locale),
    formatBytes(summary.bytes.source, locale),
  );
  const items: PathItem[] = [
    { label: `$(archive) ${vscode.l10n.t('All files')}`, description: all, paths: [] },
    ...(roots.length < 2 ? [] : roots).map((root) => ({
      label: `$(root-folder) ${nameOf(root.path)}`,
      description:
        backup.found.state.roots.find(({ name }) => root.path === `files/${name}`)?.directory ?? '',
      paths: [root.path],
    })),
    { label: `$(list-tree) ${vscode.l10n.t('A folder or file…')}`, enter: startOf(roots) },
  ];
  const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('What to restore?') });
  return follow(app, backup, picked);
}

/** With a single root there is nothing to choose above it. */
function startOf(roots: readonly EntryInfo[]): string {
  const [only, ...others] = roots;
  return only !== undefined && others.length === 0 ? only.path : 'files';
}

/** Walks through folders until something is chosen. */
async function follow(
  app: App,
  backup: FoundBackup,
  first: PathItem | undefined,
): Promise<readonly string[]> {
  let picked = first;
  while (picked?.paths === undefined) {
    if (picked?.enter === undefined) return cancelled();
    const folder = picked.enter;
    const entries = await list(app, backup, folder);
    picked = await vscode.window.showQuickPick(folderItems(folder, entries), {
      placeHolder: displayName(folder),
      matchOnDescription: true,
    });
  }
  return picked.paths;
}

function folderItems(folder: string, entries: readonly EntryInfo[]): PathItem[] {
  const parent = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
  const up: PathItem[] = parent === '' ? [] : [{ label: '$(arrow-left) ..', enter: parent }];
  const whole: PathItem[] = [
    {
      label: `$(check) ${vscode.l10n.t('All of {0}', nameOf(folder))}`,
      paths: folder === 'files' ? [] : [folder],
    },
    { label: '', kind: vscode.QuickPickItemKind.Separator },
  ];
  const inside = entries.map((entry): PathItem => {
    if (entry.type === 'directory') return { label: `$(folder) ${nameOf(entry.path)}`, enter: entry.path };
    const description = formatBytes(entry.size, vscode.env.language);
    return { label: `$(file) ${nameOf(entry.path)}`, description, paths: [entry.path] };
  });
  return [...whole, ...up, ...inside];
}

function nameOf(path: string): string {
  return displayName(path.slice(path.lastIndexOf('/') + 1));
}

async function list(
  app: App,
  { workspace, set, backup }: FoundBackup,
  path: string,
): Promise<readonly EntryInfo[]> {
  return app.engine.call('list', { workspace, set, backup, path });
}
