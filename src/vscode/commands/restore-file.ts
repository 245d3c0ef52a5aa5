import * as vscode from 'vscode';
import { CancelledError } from '../../core/errors.ts';
import type { BackupSummary, FileVersion, RestoreResult } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { showFile } from '../diff/show.ts';
import { backupSide, liveSide } from '../diff/sides.ts';
import { EditorError } from '../error.ts';
import { tellHint, tellUnread } from '../unread.ts';
import { displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { shownLine } from '../shown-text.ts';
import { fileOfEntry } from '../files/on-disk.ts';
import { chooseFolder } from '../restore/choose-where.ts';
import { runRestore } from '../restore/run-restore.ts';
import { type BackedUpFile, pickFile } from './file-history-target.ts';
import { versionItem, type VersionItem } from './file-history.ts';
import { momentAndLabel } from './targets.ts';

/** A version is shown once the user rests on it. */
const REST_MS = 200;

/** A version of a file that a backup has. */
interface Kept {
  readonly version: FileVersion;
  readonly summary: BackupSummary;
  /** Whether another file stands where this version would come back, since the file had another name then. */
  readonly isTaken: boolean;
}

/**
 * Restores one file: lists its versions, shows the one the user is on beside the file as it is now, asks, and offers to
 * take it back. A version under another name, where another file is now, goes into a folder the user picks.
 */
export async function restoreFile(app: App, target?: unknown): Promise<RestoreResult | undefined> {
  const file = await pickFile(app, target);
  const { version, summary, isTaken } = await pickVersion(app, file);
  const { workspace, set } = file;
  const to = isTaken ? await chooseFolder() : undefined;
  const isSafe =
    to === undefined && vscode.workspace.getConfiguration('crmBackup').get('backUpBeforeRestore', true);
  const paths = [version.path];
  const request = { workspace, set, backup: summary.id, paths, to, delete: false, safetyBackup: isSafe };
  const place = fileOfEntry(file.found.state.roots, version.path);
  return runRestore(app, {
    workspace,
    set,
    backup: `${displayName(pathInWorkspace(version.path))}, ${momentAndLabel(summary)}`,
    destination: to ?? place?.fsPath ?? displayName(pathInWorkspace(version.path)),
    to,
    isSafe,
    plan: (options, consent) => app.engine.call('planRestore', { ...request, ...consent }, options),
    apply: (options, consent) => app.engine.call('restore', { ...request, ...consent }, options),
  });
}

async function pickVersion(app: App, file: BackedUpFile): Promise<Kept> {
  const cancellation = new vscode.CancellationTokenSource();
  const pick = vscode.window.createQuickPick<VersionItem>();
  try {
    pick.title = vscode.l10n.t('Restore {0}', file.name);
    pick.placeholder = vscode.l10n.t('Which version? It is shown beside the file as it is now.');
    pick.matchOnDescription = true;
    pick.matchOnDetail = true;
    // The comparison opens beside the list.
    pick.ignoreFocusOut = true;
    pick.busy = true;
    const choice = choiceOf(pick);
    pick.show();
    const { workspace, set, path } = file;
    const asked = app.engine.call('fileHistory', { workspace, set, path }, { token: cancellation.token });
    const found = await Promise.race([asked, choice.then(() => undefined)]);
    if (found === undefined) throw new CancelledError();
    tellHint(app.log, found.hint);
    tellUnread(app.log, found.unread);
    const taken = await takenPaths(file, found.versions);
    const kept = found.versions.flatMap((version): Kept[] => {
      const summary = app.sets.findBackup({ workspace, set, backup: version.backup });
      if (summary === undefined || version.change === 'deleted') return [];
      return [{ version, summary, isTaken: taken.has(version.path) }];
    });
    if (kept.length === 0) {
      throw new EditorError('not-backed-up', vscode.l10n.t('No backup has {0}.', file.name));
    }
    const preview = previewOf(app, file, kept);
    pick.onDidChangeActive(([item]) => preview.show(item?.at));
    pick.items = kept.map((one, at) => shownLine(itemOf(app, file, one, at)));
    pick.busy = false;
    const at = await choice;
    preview.stop();
    const chosen = at === undefined ? undefined : kept[at];
    if (chosen === undefined) throw new CancelledError();
    return chosen;
  } finally {
    cancellation.cancel();
    cancellation.dispose();
    pick.dispose();
  }
}

/** The other names of the file at which something stands now. */
async function takenPaths(
  { path, found }: BackedUpFile,
  versions: readonly FileVersion[],
): Promise<ReadonlySet<string>> {
  const others = new Set(versions.map((version) => version.path));
  others.delete(path);
  const taken = new Set<string>();
  for (const other of others) {
    const place = fileOfEntry(found.state.roots, other);
    // What nobody can look at is not overwritten either.
    if (place === undefined || (await isThere(place))) taken.add(other);
  }
  return taken;
}

async function isThere(file: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(file);
    return true;
  } catch (error) {
    return !(error instanceof vscode.FileSystemError && error.code === 'FileNotFound');
  }
}

function itemOf(app: App, file: BackedUpFile, { version, isTaken }: Kept, at: number): VersionItem {
  const { buttons: _none, ...item } = versionItem(app, file, version, at);
  // A version of when the file had another name comes back under that name.
  if (version.path === file.path) return item;
  const then = displayName(pathInWorkspace(version.path));
  const detail = isTaken
    ? vscode.l10n.t('as {0}, where another file is now: restored into a folder you choose', then)
    : vscode.l10n.t('as {0}', then);
  return { ...item, detail };
}

async function choiceOf(pick: vscode.QuickPick<VersionItem>): Promise<number | undefined> {
  return new Promise((resolve) => {
    pick.onDidAccept(() => resolve(pick.activeItems[0]?.at));
    pick.onDidHide(() => resolve(undefined));
  });
}

/** Shows versions beside the file, the one that was rested on last. */
function previewOf(
  app: App,
  { set, path, found }: BackedUpFile,
  kept: readonly Kept[],
): { show: (at: number | undefined) => void; stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const { roots } = found.state;
  const showOne = async ({ version, summary }: Kept): Promise<void> => {
    const live = fileOfEntry(roots, path);
    const now = live && (await sizeOf(live));
    const change = {
      path,
      change: 'modified' as const,
      oldPath: version.path,
      type: 'file' as const,
      before: version.size ?? 0,
      after: now,
      binary: false,
    };
    await showFile(app, backupSide(set, summary), liveSide(found.state), change, true);
  };
  return {
    show(at) {
      clearTimeout(timer);
      const one = at === undefined ? undefined : kept[at];
      // A preview that cannot be shown is no reason to tell: the list is what matters.
      if (one !== undefined) timer = setTimeout(() => void showOne(one).catch(() => undefined), REST_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

async function sizeOf(file: vscode.Uri): Promise<number | undefined> {
  try {
    return (await vscode.workspace.fs.stat(file)).size;
  } catch {
    return undefined;
  }
}
