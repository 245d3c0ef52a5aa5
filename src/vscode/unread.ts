import * as vscode from 'vscode';
import type { Problem } from '../core/problem.ts';
import type { FailureData } from '../engine/failure.ts';
import { displayName } from './files/backup-uri.ts';
import { formatNumber } from './format.ts';
import type { Log } from './log.ts';
import { showInformationMessage, showWarningMessage } from './window.ts';

const hinted = new Set<string>();

/** Tells why something is shown with less than there could be, once for as long as the window is open. */
export function tellHint(log: Log, hint: FailureData | undefined): void {
  if (hint === undefined) return;
  log.info(`${hint.message} ${hint.hint ?? ''}`);
  if (hinted.has(hint.code)) return;
  hinted.add(hint.code);
  void showInformationMessage([hint.message, hint.hint].filter(Boolean).join(' '));
}

/** Says which backups could not be searched as a whole, because something of them is lost. */
export function unreadSentence(unread: readonly string[]): string {
  const names = unread.map((id) => id.slice(0, 8)).join(', ');
  return unread.length === 1
    ? vscode.l10n.t('1 backup could not be searched as a whole, for parts are lost: {0}.', names)
    : vscode.l10n.t(
        '{0} backups could not be searched as a whole, for parts are lost: {1}.',
        unread.length,
        names,
      );
}

/** Tells so, once for these backups for as long as the window is open. */
export function tellUnread(log: Log, unread: readonly string[]): void {
  if (unread.length === 0) return;
  const sentence = unreadSentence(unread);
  log.warn(sentence);
  if (hinted.has(sentence)) return;
  hinted.add(sentence);
  void showWarningMessage(sentence);
}

const MOST_NAMED = 20;

/** What a comparison could not read, a line each. */
export function uncomparedLines(problems: readonly Problem[]): string[] {
  const lines = problems.slice(0, MOST_NAMED).map(({ path, message }) => `${displayName(path)}: ${message}`);
  const rest = problems.length - lines.length;
  if (rest > 0) lines.push(vscode.l10n.t('… and {0} more', formatNumber(rest, vscode.env.language)));
  return lines;
}

/** What a comparison could not read, in one sentence. */
export function uncomparedText(problems: readonly Problem[]): string {
  const [first] = problems;
  return first !== undefined && problems.length === 1
    ? vscode.l10n.t('{0} could not be read and is not compared.', displayName(first.path))
    : vscode.l10n.t(
        '{0} entries could not be read and are not compared.',
        formatNumber(problems.length, vscode.env.language),
      );
}

/** Tells what a comparison could not read; the log tells each and why. */
export async function tellUncompared(log: Log, problems: readonly Problem[]): Promise<void> {
  if (problems.length === 0) return;
  for (const { path, message } of problems) log.warn(`${displayName(path)}: ${message}`);
  const showLog = vscode.l10n.t('Show Log');
  if ((await showWarningMessage(uncomparedText(problems), showLog)) === showLog) log.show();
}
