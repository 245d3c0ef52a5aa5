import * as vscode from 'vscode';
import { CancelledError } from '../../core/errors.ts';
import type { BackupSummary, InSet, OfBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { formatAge, formatBytes, formatMoment } from '../format.ts';
import { displayName } from '../files/backup-uri.ts';
import { kindName } from '../kinds.ts';
import { type FoundSet, localFolders } from '../sets.ts';
import { groupByPeriod } from '../tree/days.ts';
import { periodName } from '../tree/lines/period.ts';

/** A backup and the set it is of. */
export interface FoundBackup extends OfBackup {
  readonly summary: BackupSummary;
  readonly found: FoundSet;
}

/** The workspace folder a command is about: the target's, the only one, or the one the user picks. */
export async function pickFolder(target: unknown): Promise<vscode.WorkspaceFolder> {
  const folders = localFolders();
  const workspace = fieldOf(target, 'workspace');
  const named = folders.find(({ uri }) => uri.fsPath === workspace);
  if (named !== undefined) return named;
  const [only, ...others] = folders;
  if (only === undefined) {
    throw new EditorError('no-folder', vscode.l10n.t('Open the folder of your CRM first.'));
  }
  if (others.length === 0) return only;
  const items = folders.map((folder) => ({ label: folder.name, description: folder.uri.fsPath, folder }));
  const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Which folder?') });
  return picked?.folder ?? cancelled();
}

/** The set a command is about: the target's, the only one, or the one the user picks. */
export async function pickSet(app: App, target: unknown): Promise<FoundSet> {
  // Where there was none, the set file may have been written or mended a moment ago.
  if (app.sets.all().length === 0) await app.sets.refresh();
  const named = app.sets.find(asSet(target) ?? { workspace: '', set: '' });
  if (named !== undefined) return named;
  const sets = app.sets.all();
  const [only, ...others] = sets;
  if (only === undefined) throw noSet(app);
  if (others.length === 0) return only;
  const items = sets.map((found) => ({
    label: displayName(found.set),
    description: [found.folder.name, lastBackup(found)].join(' · '),
    found,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    placeHolder: vscode.l10n.t('Which backup set?'),
  });
  return picked?.found ?? cancelled();
}

function lastBackup({ state }: FoundSet): string {
  const [latest] = state.backups;
  if (latest === undefined) return vscode.l10n.t('no backups yet');
  return formatAge(Date.parse(latest.createdAt), Date.now(), vscode.env.language);
}

/** Why there is no set: the mistake in a set file, where that is the reason. */
function noSet(app: App): unknown {
  for (const folder of localFolders()) {
    const state = app.sets.of(folder);
    if (state?.status === 'failed') return state.error;
  }
  if (localFolders().length === 0) {
    return new EditorError('no-folder', vscode.l10n.t('Open the folder of your CRM first.'));
  }
  return new EditorError('no-set', vscode.l10n.t('This workspace has no backup set yet.'));
}

/** What backups are offered, and whether anybody is asked. */
interface PickOptions {
  readonly qualifies?: ((summary: BackupSummary) => boolean) | undefined;
  /** The only one is taken unasked: for what asks something else before it changes anything. */
  readonly takesOnly?: boolean | undefined;
}

/** The backup a command is about: the target, or the one the user picks among those that qualify. */
export async function pickBackup(
  app: App,
  target: unknown,
  placeHolder: string,
  { qualifies = () => true, takesOnly = false }: PickOptions = {},
): Promise<FoundBackup> {
  await app.sets.load();
  const named = asBackup(target);
  const known = named && foundBackup(app, named);
  if (known !== undefined) return known;
  const found = await pickSet(app, target);
  const offered = found.state.backups.filter(qualifies);
  const [only, ...others] = offered;
  if (only === undefined) {
    throw new EditorError(
      'no-backup',
      vscode.l10n.t('There is no such backup of {0}.', displayName(found.set)),
    );
  }
  const summary =
    takesOnly && others.length === 0 ? only : await askForBackup(backupItems(offered), placeHolder);
  const { workspace, set } = found;
  return { workspace, set, backup: summary.id, summary, found };
}

async function askForBackup(items: readonly BackupItem[], placeHolder: string): Promise<BackupSummary> {
  const picked = await vscode.window.showQuickPick(items, { placeHolder, matchOnDescription: true });
  return picked?.summary ?? cancelled();
}

/** The backups a command is about: all that are selected where it was called, else one as {@link pickBackup}. */
export async function pickBackups(
  app: App,
  target: unknown,
  selected: unknown,
  placeHolder: string,
  qualifies?: (summary: BackupSummary) => boolean,
): Promise<readonly FoundBackup[]> {
  await app.sets.load();
  const several = (Array.isArray(selected) ? selected : [])
    .map(asBackup)
    .flatMap((named) => (named === undefined ? [] : (foundBackup(app, named) ?? [])));
  if (several.length > 1) return several;
  return [await pickBackup(app, target, placeHolder, { qualifies })];
}

interface BackupItem extends vscode.QuickPickItem {
  readonly summary?: BackupSummary;
}

function backupItems(backups: readonly BackupSummary[]): BackupItem[] {
  const now = new Date();
  const locale = vscode.env.language;
  return groupByPeriod(backups, now).flatMap(({ period, items }): BackupItem[] => [
    { label: periodName(period), kind: vscode.QuickPickItemKind.Separator },
    ...items.map((summary) => ({
      label: momentAndLabel(summary, now),
      description: [kindName(summary.kind), formatBytes(summary.bytes.source, locale)].join(' · '),
      summary,
    })),
  ]);
}

/** How a backup is called in sentences and lists: its time and, if it has one, its label. */
export function momentAndLabel(summary: BackupSummary, now = new Date()): string {
  const moment = formatMoment(new Date(summary.createdAt), now, vscode.env.language);
  return summary.label === undefined ? moment : `${moment}  ${displayName(summary.label)}`;
}

function foundBackup(app: App, target: OfBackup): FoundBackup | undefined {
  const found = app.sets.find(target);
  const summary = app.sets.findBackup(target);
  if (found === undefined || summary === undefined) return undefined;
  return { workspace: target.workspace, set: target.set, backup: summary.id, summary, found };
}

function asSet(target: unknown): InSet | undefined {
  const workspace = fieldOf(target, 'workspace');
  const set = fieldOf(target, 'set');
  return workspace === undefined || set === undefined ? undefined : { workspace, set };
}

/** The backup a node or another caller's argument names. */
function asBackup(target: unknown): OfBackup | undefined {
  const inSet = asSet(target);
  const backup = fieldOf(target, 'backup');
  return inSet === undefined || backup === undefined ? undefined : { ...inSet, backup };
}

/** A text an argument carries under a name. */
export function fieldOf(target: unknown, name: string): string | undefined {
  if (typeof target !== 'object' || target === null) return undefined;
  const value: unknown = (target as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

/** The user has turned away from a question. */
export function cancelled(): never {
  throw new CancelledError();
}
