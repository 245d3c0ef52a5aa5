import path from 'node:path';
import * as vscode from 'vscode';
import { localFolders, SET_FILE, type Sets } from './sets.ts';

/** Folders of a vault that tell of backups; see docs/vault-format.md. */
const TELLING = ['backups', 'notes', 'forgotten'];
const CALM_MS = 300;
/** A disk that comes back tells nobody. */
const AGAIN_MS = 60_000;

/**
 * Keeps the sets up to date with what changes elsewhere: set files, and vaults the command line writes to.
 * @param againMs milliseconds between looks while something is wrong with a set or a set file
 */
export function watchSets(sets: Sets, againMs = AGAIN_MS): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void sets.refresh(), CALM_MS);
  };
  const on = (watcher: vscode.FileSystemWatcher): vscode.Disposable =>
    vscode.Disposable.from(
      watcher,
      watcher.onDidChange(refresh),
      watcher.onDidCreate(refresh),
      watcher.onDidDelete(refresh),
    );
  const again = setInterval(() => {
    const isWrong =
      localFolders().some((folder) => sets.of(folder)?.status === 'failed') ||
      sets.all().some(({ state }) => state.problem !== undefined);
    if (isWrong) refresh();
  }, againMs);
  const vaults = new Map<string, vscode.Disposable>();
  const watchVaults = (): void => {
    const wanted = new Set(sets.all().flatMap(({ state }) => state.vault ?? []));
    for (const [vault, watcher] of vaults) {
      if (wanted.has(vault)) continue;
      watcher.dispose();
      vaults.delete(vault);
    }
    for (const vault of wanted) {
      if (vaults.has(vault)) continue;
      const watchers = TELLING.map((folder) => {
        const place = vscode.Uri.joinPath(vscode.Uri.file(vault), folder);
        return on(vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(place, '*')));
      });
      vaults.set(vault, vscode.Disposable.from(...watchers));
    }
  };
  return vscode.Disposable.from(
    on(vscode.workspace.createFileSystemWatcher(`**/${SET_FILE}`)),
    // Of a folder that comes or goes as a whole, nothing may be told of what is in it.
    on(vscode.workspace.createFileSystemWatcher(`**/${path.posix.dirname(SET_FILE)}`, false, true)),
    sets.onDidChange(watchVaults),
    vscode.workspace.onDidChangeWorkspaceFolders(refresh),
    vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    vscode.window.onDidChangeWindowState(({ focused }) => {
      if (focused && sets.known) refresh();
    }),
    {
      dispose: () => {
        clearTimeout(timer);
        clearInterval(again);
        for (const watcher of vaults.values()) watcher.dispose();
      },
    },
  );
}
