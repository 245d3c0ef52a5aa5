import * as vscode from 'vscode';
import { CancelledError } from '../../core/errors.ts';
import { latestOf } from '../../core/latest.ts';
import { fromFailure } from '../../engine/failure.ts';
import type { BackupSummary, InSet, OfBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import { formatAge, formatBytes, formatMoment } from '../format.ts';
import { displayName } from '../files/backup-uri.ts';
import { kindName } from '../kinds.ts';
import { type FoundSet, localFolders } from '../sets.ts';
import { groupByPeriod } from '../tree/days.ts';
import { periodName } from '../tree/lines/period.ts';
import { showQuickPick } from '../window.ts';

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
  const picked = await showQuickPick(items, { placeHolder: vscode.l10n.t('Which folder?') });
  return picked?.folder ?? cancelled();
}

/**
 * The set a command is about: the target's, the only one, or the one the user picks.
 * @throws {EditorError} `no-set` when there is none, or the target's is not there (any more).
 */
export async function pickSet(app: App, target: unknown): Promise<FoundSet> {
  const named = asSet(target);
  const known = named && app.sets.find(named);
  if (known !== undefined) return known;
  // The set file may have been written or mended a moment ago.
  if (named !== undefined || app.sets.all().length === 0) await app.sets.refresh();
  if (named !== undefined) return app.sets.find(named) ?? noSet(app, named.set);
  const sets = app.sets.all();
  const [only, ...others] = sets;
  if (only === undefined) return noSet(app);
  if (others.length === 0) return only;
  const items = sets.map((found) => ({
    label: displayName(found.set),
    description: [found.folder.name, lastBackup(found)].join(' · '),
    found,
  }));
  const picked = await showQuickPick(items, {
    placeHolder: vscode.l10n.t('Which backup set?'),
  });
  return picked?.found ?? cancelled();
}

function lastBackup({ state }: FoundSet): string {
  const latest = latestOf(state.backups);
  if (latest === undefined) return vscode.l10n.t('no backups yet');
  return formatAge(Date.parse(latest.createdAt), Date.now(), vscode.env.language);
}

/** Throws why the sets of a folder are not known: most often a mistake in its set file. */
export function throwFailed(app: App): void {
  for (const folder of localFolders()) {
    const state = app.sets.of(folder);
    if (state?.status === 'failed') throw state.error;
  }
}

/** Tells why there is no set, or not the one that is named: the mistake in a set file, where that is the reason. */
export function noSet(app: App, named?: string): never {
  throwFailed(app);
  if (localFolders().length === 0) {
    throw new EditorError('no-folder', vscode.l10n.t('Open the folder of your CRM first.'));
  }
  const none =
    named === undefined
      ? vscode.l10n.t('This workspace has no backup set yet.')
      : vscode.l10n.t('This workspace has no backup set {0}.', displayName(named));
  throw new EditorError('no-set', none);
}

/** What backups are offered, and whether anybody is asked. */
interface PickOptions {
  readonly qualifies?: ((summary: BackupSummary) => boolean) | undefined;
  /** The only one is taken unasked: for what asks something else before it changes anything. */
  readonly takesOnly?: boolean | undefined;
}

/**
 * The backup a command is about: the target, or the one the user picks among those that qualify.
 * @throws {EditorError} `no-backup` when none qualifies, or the target is not there (any more).
 * @throws {EngineFailure} what is wrong with the set, where that is why none is known
 */
export async function pickBackup(
  app: App,
  target: unknown,
  placeHolder: string,
  { qualifies = () => true, takesOnly = false }: PickOptions = {},
): Promise<FoundBackup> {
  const named = asBackup(target);
  if (named !== undefined) return findNamed(app, named);
  await app.sets.load();
  let found = await pickSet(app, target);
  if (found.state.problem !== undefined) {
    // A disk may have come back a moment ago.
    await app.sets.refresh();
    found = app.sets.find(found) ?? found;
  }
  const offered = found.state.backups.filter(qualifies);
  const [only, ...others] = offered;
  if (only === undefined) throw noBackup(found);
  const summary =
    takesOnly && others.length === 0 ? only : await askForBackup(backupItems(offered), placeHolder);
  const { workspace, set } = found;
  return { workspace, set, backup: summary.id, summary, found };
}

/** The backup an argument names; another process may have taken it a moment ago. */
async function findNamed(app: App, named: OfBackup): Promise<FoundBackup> {
  const known = foundBackup(app, named);
  if (known !== undefined) return known;
  await app.sets.refresh();
  const found = foundBackup(app, named);
  if (found !== undefined) return found;
  const { set, state } = await pickSet(app, named);
  throw state.problem === undefined
    ? new EditorError('no-backup', vscode.l10n.t('There is no such backup of {0}.', displayName(set)))
    : fromFailure(state.problem);
}

/** Why there is no backup of a set to choose. */
function noBackup({ set, state }: FoundSet): Error {
  if (state.problem !== undefined) return fromFailure(state.problem);
  return new EditorError(
    'no-backup',
    state.backups.length === 0
      ? vscode.l10n.t('There is no backup of {0} yet.', displayName(set))
      : vscode.l10n.t('None of the backups of {0} can be chosen for this.', displayName(set)),
  );
}

async function askForBackup(items: readonly BackupItem[], placeHolder: string): Promise<BackupSummary> {
  const picked = await showQuickPick(items, { placeHolder, matchOnDescription: true });
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
  const several = (Array.isArray(selected) ? selected : [])
    .map(asBackup)
    .filter((named) => named !== undefined);
  if (several.length > 1) return Promise.all(several.map(async (named) => findNamed(app, named)));
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
