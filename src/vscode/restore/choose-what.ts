import * as vscode from 'vscode';
import type { EntryInfo } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { cancelled, type FoundBackup, momentAndLabel } from '../commands/targets.ts';
import { entryAmount, fileCount } from '../counts.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes } from '../format.ts';
import { showQuickPick } from '../window.ts';

interface PathItem extends vscode.QuickPickItem {
  /** What is chosen; [] is everything. */
  readonly paths?: readonly string[];
  /** A folder to look into instead. */
  readonly enter?: string;
}

/** Asks what of a backup to restore: everything, all files, a database, a table, or a folder or file. */
export async function chooseWhat(app: App, backup: FoundBackup): Promise<readonly string[]> {
  const { summary } = backup;
  const locale = vscode.env.language;
  const sources = await list(app, backup, '');
  const roots = sources.filter(({ path }) => path.startsWith('files/'));
  const databases = sources.filter(({ path }) => path.startsWith('databases/'));
  const size = formatBytes(summary.bytes.source, locale);
  const files = fileCount(summary.files.total);
  const items: PathItem[] = [
    ...everything(databases, roots, [files, size]),
    ...(roots.length < 2 ? [] : roots).map((root) => ({
      label: `$(root-folder) ${nameOf(root.path)}`,
      description:
        backup.found.state.roots.find(({ name }) => root.path === `files/${name}`)?.directory ?? '',
      paths: [root.path],
    })),
    ...(roots.length === 0
      ? []
      : [{ label: `$(list-tree) ${vscode.l10n.t('A folder or file…')}`, enter: startOf(roots) }]),
    ...(await databaseItems(app, backup, databases)),
  ];
  const picked = await showQuickPick(items, {
    title: titleOf(backup),
    placeHolder: vscode.l10n.t('What to restore?'),
  });
  return follow(app, backup, picked);
}

function titleOf({ set, summary }: FoundBackup): string {
  return vscode.l10n.t('Restore {0}', [displayName(set), momentAndLabel(summary)].join(', '));
}

function everything(
  databases: readonly EntryInfo[],
  roots: readonly EntryInfo[],
  [files, size]: [files: string, size: string],
): PathItem[] {
  const allFiles = vscode.l10n.t('All files');
  if (databases.length === 0) {
    return [{ label: `$(archive) ${allFiles}`, description: `${files}, ${size}`, paths: [] }];
  }
  const names = databases.map(({ path }) => nameOf(path)).join(', ');
  return [
    {
      label: `$(archive) ${vscode.l10n.t('Everything')}`,
      description: roots.length === 0 ? `${names}, ${size}` : `${files}, ${names}, ${size}`,
      paths: [],
    },
    ...(roots.length === 0 ? [] : [{ label: `$(files) ${allFiles}`, description: files, paths: ['files'] }]),
  ];
}

async function databaseItems(
  app: App,
  backup: FoundBackup,
  databases: readonly EntryInfo[],
): Promise<PathItem[]> {
  const items = databases.map(async ({ path }): Promise<PathItem[]> => {
    const name = nameOf(path);
    const inside = await list(app, backup, path);
    const whole = { label: `$(database) ${vscode.l10n.t('Database {0}', name)}`, paths: [path] };
    const tables = inside.find((entry) => entry.path === `${path}/tables`);
    if (tables === undefined) return [whole];
    return [whole, { label: `$(table) ${vscode.l10n.t('A table of {0}…', name)}`, enter: tables.path }];
  });
  return (await Promise.all(items)).flat();
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
    const isTables = folder.startsWith('databases/');
    const items = isTables ? entries.map(entryItem) : folderItems(folder, entries);
    picked = await showQuickPick(items, {
      title: titleOf(backup),
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
      paths: [folder],
    },
    { label: '', kind: vscode.QuickPickItemKind.Separator },
  ];
  const inside = entries.map((entry): PathItem => {
    return entry.type === 'directory'
      ? { label: `$(folder) ${nameOf(entry.path)}`, enter: entry.path }
      : entryItem(entry);
  });
  return [...whole, ...up, ...inside];
}

function entryItem(entry: EntryInfo): PathItem {
  const { path, type } = entry;
  const icon = type === 'table' ? 'table' : 'file';
  return { label: `$(${icon}) ${nameOf(path)}`, description: entryAmount(entry), paths: [path] };
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
