import * as vscode from 'vscode';
import { changeIcon, changeName } from '../change-words.ts';
import { CancelledError } from '../../core/errors.ts';
import type { BackupSummary, FileVersion } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { tellHint, tellUnread } from '../unread.ts';
import { addressToComparedPath, BACKUP_SCHEME, displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { shownLine } from '../shown-text.ts';
import { formatBytes, formatNumber } from '../format.ts';
import type { ChangeNode } from '../tree/nodes.ts';
import { currentLineOrigin } from './file-history-line.ts';
import { type BackedUpFile, pickFile } from './file-history-target.ts';
import { showOneChange } from './show-changes.ts';
import { momentAndLabel } from './targets.ts';

/** A version in a list, by its place among the versions. */
export interface VersionItem extends vscode.QuickPickItem {
  readonly at: number;
}

/** What the user wants to see of which version. */
interface Choice {
  readonly at: number;
  readonly what: 'changes' | 'now' | 'open';
}

/** Lists the versions of a file over all backups, through its renames; the one that is picked is shown with what it changed. */
export async function fileHistory(app: App, target?: unknown): Promise<readonly FileVersion[]> {
  const file = await pickFile(app, target);
  const { workspace, set, path } = file;
  const cancellation = new vscode.CancellationTokenSource();
  const pick = vscode.window.createQuickPick<VersionItem>();
  try {
    pick.title = vscode.l10n.t('Backups of {0}', file.name);
    pick.placeholder = vscode.l10n.t('Which version? It is shown with what it changed.');
    pick.matchOnDescription = true;
    pick.matchOnDetail = true;
    pick.busy = true;
    const choice = choiceOf(pick);
    pick.show();
    const asked = app.engine.call('fileHistory', { workspace, set, path }, { token: cancellation.token });
    // Who turns away from the list does not wait for it.
    const found = await Promise.race([asked, choice.then(() => undefined)]);
    if (found === undefined) throw new CancelledError();
    const { versions, hint, unread } = found;
    tellHint(app.log, hint);
    tellUnread(app.log, unread);
    pick.items = versions.map((version, at) => shownLine(versionItem(app, file, version, at)));
    void currentLineOrigin(app, file, versions, cancellation.token).then((origin) => {
      if (origin !== undefined)
        mark(pick, origin.at, vscode.l10n.t('line {0} is as in this version', origin.line));
    });
    pick.busy = false;
    const chosen = await choice;
    if (chosen !== undefined) await show(app, file, versions, chosen);
    return versions;
  } finally {
    cancellation.cancel();
    cancellation.dispose();
    pick.dispose();
  }
}

/** What is chosen; undefined when the user turns away. */
async function choiceOf(pick: vscode.QuickPick<VersionItem>): Promise<Choice | undefined> {
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const [item] = pick.activeItems;
      if (item !== undefined) resolve({ at: item.at, what: 'changes' });
    });
    pick.onDidTriggerItemButton(({ item, button }) => {
      resolve({ at: item.at, what: button === compareButton() ? 'now' : 'open' });
    });
    pick.onDidHide(() => resolve(undefined));
  });
}

let compare: vscode.QuickInputButton | undefined;

function compareButton(): vscode.QuickInputButton {
  return (compare ??= {
    iconPath: new vscode.ThemeIcon('git-compare'),
    tooltip: vscode.l10n.t('Compare with the File as It Is Now'),
  });
}

function openButton(): vscode.QuickInputButton {
  return { iconPath: new vscode.ThemeIcon('go-to-file'), tooltip: vscode.l10n.t('Open This Version') };
}

/** What a list tells of a version. */
export function versionItem(app: App, file: BackedUpFile, version: FileVersion, at: number): VersionItem {
  const { change, oldPath, size } = version;
  const summary = summaryOf(app, file, version);
  const bytes = size === undefined ? undefined : formatBytes(size, vscode.env.language);
  const facts = [changeName(change), linesOf(version), bytes].filter((fact) => fact !== undefined);
  const shown = (name: string): string => displayName(pathInWorkspace(name));
  const names = [
    version.path === file.path ? undefined : vscode.l10n.t('as {0}', shown(version.path)),
    oldPath && vscode.l10n.t('was {0}', shown(oldPath)),
  ].filter((name) => name !== undefined);
  return {
    at,
    label: summary === undefined ? version.backup.slice(0, 8) : momentAndLabel(summary),
    description: facts.join(' · '),
    ...(names.length === 0 ? {} : { detail: names.join(' · ') }),
    iconPath: changeIcon(change),
    buttons: buttonsOf(file, version),
  };
}

/** How many lines a version changed, as “+3 −1”. */
function linesOf({ change, added, deleted }: FileVersion): string | undefined {
  if (change === 'added' || change === 'deleted') return undefined;
  if (added === undefined || deleted === undefined) return undefined;
  const locale = vscode.env.language;
  return `+${formatNumber(added, locale)} −${formatNumber(deleted, locale)}`;
}

function buttonsOf({ uri }: BackedUpFile, { change }: FileVersion): vscode.QuickInputButton[] {
  if (change === 'deleted') return [];
  return uri?.scheme === 'file' ? [compareButton(), openButton()] : [openButton()];
}

function mark(pick: vscode.QuickPick<VersionItem>, at: number, text: string): void {
  const [active] = pick.activeItems;
  const items = pick.items.map((item) =>
    item.at === at ? { ...item, detail: [item.detail, text].filter(Boolean).join(' · ') } : item,
  );
  pick.items = items;
  pick.activeItems = items.filter((item) => item.at === active?.at);
}

async function show(
  app: App,
  file: BackedUpFile,
  versions: readonly FileVersion[],
  { at, what }: Choice,
): Promise<void> {
  const version = versions[at];
  const summary = version && summaryOf(app, file, version);
  if (version === undefined || summary === undefined) return;
  if (what === 'changes') return showChange(app, file, version, previousOf(versions, at), summary);
  const uri = addressOf(file, version);
  if (what === 'open' || file.uri === undefined) {
    await vscode.commands.executeCommand('vscode.open', uri, { preview: true });
    return;
  }
  const title = vscode.l10n.t('{0} ({1} ↔ now)', file.name, momentAndLabel(summary));
  await vscode.commands.executeCommand('vscode.diff', uri, file.uri, title, { preview: true });
}

/** The version before one, which need not be the next: two files may have had the name, or become this one. */
function previousOf(versions: readonly FileVersion[], at: number): FileVersion | undefined {
  const { path, oldPath = path } = versions[at] ?? {};
  return versions.slice(at + 1).find((version) => version.path === oldPath);
}

/** Shows a version beside the one before it. */
async function showChange(
  app: App,
  { workspace, set, ...file }: BackedUpFile,
  version: FileVersion,
  previous: FileVersion | undefined,
  summary: BackupSummary,
): Promise<void> {
  const { backup, path, change, oldPath, size } = version;
  const before = change === 'added' ? undefined : previous;
  const from = (before && summaryOf(app, { workspace, set, ...file }, before)) ?? summary;
  const node: ChangeNode = {
    type: 'change',
    workspace,
    set,
    backup,
    path,
    from,
    change: { path, change, oldPath, type: 'file', before: before?.size, after: size, binary: false },
  };
  await showOneChange(app, node);
}

function summaryOf(app: App, file: BackedUpFile, { backup }: FileVersion): BackupSummary | undefined {
  return app.sets.findBackup({ workspace: file.workspace, set: file.set, backup });
}

function addressOf({ set }: BackedUpFile, { backup, path }: FileVersion): vscode.Uri {
  return vscode.Uri.from({ scheme: BACKUP_SCHEME, ...addressToComparedPath({ set, backup, path }) });
}
