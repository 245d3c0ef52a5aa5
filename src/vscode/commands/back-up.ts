import * as vscode from 'vscode';
import { countProblems } from '../../core/problem.ts';
import type { BackupKind } from '../../core/vault/record.ts';
import type { BackupSummary, TakenBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { fileCount } from '../counts.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { kindName } from '../kinds.ts';
import { pickSet } from './targets.ts';
import { showWarningMessage, tellInPassing } from '../window.ts';

/** Takes a backup whose kind the engine chooses. */
export async function backUpNow(app: App, target?: unknown): Promise<BackupSummary> {
  return backUp(app, target, 'auto');
}

/** Reads every byte again. */
export async function backUpFull(app: App, target?: unknown): Promise<BackupSummary> {
  return backUp(app, target, 'full');
}

/** Reads what changed since the latest backup. */
export async function backUpIncremental(app: App, target?: unknown): Promise<BackupSummary> {
  return backUp(app, target, 'incremental');
}

/** Reads what changed since the latest full backup. */
export async function backUpDifferential(app: App, target?: unknown): Promise<BackupSummary> {
  return backUp(app, target, 'differential');
}

async function backUp(app: App, target: unknown, kind: BackupKind | 'auto'): Promise<BackupSummary> {
  const { workspace, set } = await pickSet(app, target);
  const title = vscode.l10n.t('Backing up {0}', displayName(set));
  const key = `backup:${workspace}\n${set}`;
  const taken = await app.works.run(key, title, (options) =>
    app.engine.call('backup', { workspace, set, kind }, options),
  );
  logBackup(app, taken);
  await app.sets.refresh();
  void tell(app, taken);
  return taken;
}

function logBackup({ log }: App, taken: TakenBackup): void {
  const { id, set, kind, durationMs, bytes, problems, notices } = taken;
  log.info(
    `Backup ${id.slice(0, 12)} of ${set}: ${kind}, ${durationMs} ms, ${bytes.source} bytes, ${bytes.stored} stored.`,
  );
  for (const { code, path, message } of problems) log.warn(`${displayName(path)}: ${code}: ${message}`);
  for (const notice of notices) log.warn(notice);
}

/** A full success is seen in the tree and in passing; what is missing from a backup, or went wrong around it, must be said. */
async function tell(app: App, taken: TakenBackup): Promise<void> {
  const isComplete = taken.status === 'complete';
  const notices = taken.notices.map(displayName).join(' ');
  const name = displayName(taken.set);
  if (isComplete) {
    const done = vscode.l10n.t('{0} backed up', name);
    tellInPassing(`${done}: ${factsOf(taken)}`, '$(check) ');
    if (notices === '') return;
  }
  const warning = isComplete
    ? vscode.l10n.t('{0} is backed up, but not all went well: {1}', name, notices)
    : `${partialText(taken)} ${notices}`.trimEnd();
  const showLog = vscode.l10n.t('Show Log');
  if ((await showWarningMessage(warning, showLog)) === showLog) app.log.show();
}

function factsOf({ files: counts, base, bytes, durationMs, kind }: BackupSummary): string {
  const locale = vscode.env.language;
  const { added, modified, deleted, total } = counts;
  const isFirst = base === undefined;
  const count = isFirst ? total : added + modified + deleted;
  const sizes = `${formatBytes(bytes.stored, locale)} · ${formatDuration(durationMs, locale)}`;
  const files = isFirst ? fileCount(count) : vscode.l10n.t('{0} changed', fileCount(count));
  return [kindName(kind), files, sizes].join(' · ');
}

function partialText(summary: BackupSummary): string {
  const count = countProblems(summary, ({ incomplete }) => incomplete);
  const first = summary.problems.find(({ incomplete }) => incomplete);
  return count === 1 && first !== undefined
    ? vscode.l10n.t('The backup is partial: {0}', first.message)
    : vscode.l10n.t('The backup is partial: {0} entries could not be read.', count);
}
