import * as vscode from 'vscode';
import { latestOf } from '../core/latest.ts';
import { displayName } from './files/backup-uri.ts';
import { formatAge } from './format.ts';
import { kindName } from './kinds.ts';
import { shownText } from './shown-text.ts';
import { translated } from './sentences.ts';
import type { FoundSet, Sets } from './sets.ts';
import { troubleText } from './trouble-words.ts';
import type { Works } from './works.ts';

const REDRAW_MS = 60_000;
/** A window that opens has better things to do first than to ask for the age of a backup. */
const FIRST_LOOK_MS = 1_500;

/** One item in the status bar: the age of the last backup, or what is running. */
export function showStatus(sets: Sets, works: Works): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('crmBackup.status', vscode.StatusBarAlignment.Left, 0);
  item.name = 'CRM Backup';
  const draw = (): void => {
    const found = sets.all();
    const work = works.current;
    if (work !== undefined) {
      item.text = `$(sync~spin) ${shownText(work.title)}`;
      item.tooltip = work.progress;
      item.accessibilityInformation = { label: work.title, role: 'button' };
      item.command = 'crmBackup.showLog';
    } else if (found.length > 0) {
      drawAge(item, found);
    } else {
      item.hide();
      return;
    }
    item.show();
  };
  const timer = setInterval(draw, REDRAW_MS);
  const first = setTimeout(() => void sets.load(), FIRST_LOOK_MS);
  return vscode.Disposable.from(item, sets.onDidChange(draw), works.onDidChange(draw), {
    dispose: () => {
      clearInterval(timer);
      clearTimeout(first);
    },
  });
}

function drawAge(item: vscode.StatusBarItem, found: readonly FoundSet[]): void {
  const latest = found
    .flatMap(({ state }) => latestOf(state.backups) ?? [])
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
  const troubled = found.find(({ state }) => state.troubles.length > 0);
  const unknown = found.find(({ state }) => state.problem !== undefined);
  const warns = latest?.status === 'partial' || troubled !== undefined || unknown !== undefined;
  const age = latest && formatAge(Date.parse(latest.createdAt), Date.now(), vscode.env.language);
  const none = unknown === undefined ? vscode.l10n.t('No backup') : vscode.l10n.t('Backups out of reach');
  item.text = `${warns ? '$(warning)' : '$(archive)'} ${age ?? none}`;
  const last =
    age === undefined
      ? vscode.l10n.t('CRM Backup: no backup yet')
      : vscode.l10n.t('CRM Backup: last backup {0}', age);
  const label = [
    age === undefined && unknown !== undefined ? `CRM Backup: ${none}` : last,
    unknown && lastOf(unknown),
    troubled && troubleText(troubled.set, troubled.state.troubles[0]!),
  ];
  item.accessibilityInformation = {
    label: label.filter((part) => part !== undefined).join('. '),
    role: 'button',
  };
  const tooltip = new vscode.MarkdownString();
  for (const each of found) {
    tooltip.appendText(`${displayName(each.set)}: ${lastOf(each)}`).appendMarkdown('\n\n');
  }
  for (const { set, state } of found) {
    for (const trouble of state.troubles) {
      tooltip.appendText(troubleText(set, trouble)).appendMarkdown('\n\n');
    }
  }
  tooltip.appendText(vscode.l10n.t('Click to back up now'));
  item.tooltip = tooltip;
  item.command = 'crmBackup.backUpNow';
}

/** The last backup of a set, or why none is known. */
function lastOf({ state: { backups, problem } }: FoundSet): string {
  if (problem !== undefined) return translated(problem.message, problem.code);
  const latest = latestOf(backups);
  if (latest === undefined) return vscode.l10n.t('no backups yet');
  const age = formatAge(Date.parse(latest.createdAt), Date.now(), vscode.env.language);
  const partial = latest.status === 'partial' ? `, ${vscode.l10n.t('partial')}` : '';
  return `${kindName(latest.kind)}, ${age}${partial}`;
}
