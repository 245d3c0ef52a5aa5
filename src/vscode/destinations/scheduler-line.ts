import * as vscode from 'vscode';
import { formatFully, formatMoment } from '../format.ts';
import { tooltipTable } from '../tree/tooltips/table.ts';
import type { SchedulerNode } from './nodes.ts';

/** Who takes the scheduled backups of a folder: the system's scheduler, or VS Code while it is open; and when. */
export function schedulerItem({ workspace, state, folderName }: SchedulerNode): vscode.TreeItem {
  const { isHandedOver, nextRun } = state;
  const locale = vscode.env.language;
  const label = vscode.l10n.t('Scheduler');
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  const next = nextRun === undefined ? undefined : new Date(nextRun);
  const who = isHandedOver
    ? vscode.l10n.t('also without VS Code')
    : vscode.l10n.t('only while VS Code is open');
  const parts =
    next === undefined
      ? [vscode.l10n.t('nothing is scheduled')]
      : [who, vscode.l10n.t('next {0}', formatMoment(next, new Date(), locale))];
  item.id = `scheduler:${workspace}`;
  item.description = [folderName, ...parts].filter((part) => part !== undefined).join(' · ');
  item.iconPath = new vscode.ThemeIcon(isHandedOver ? 'watch' : 'clock');
  item.contextValue = isHandedOver ? 'scheduler.system' : next ? 'scheduler.editor' : 'scheduler.idle';
  item.tooltip = tooltipTable(label, [
    [vscode.l10n.t('Scheduled backups'), who],
    [vscode.l10n.t('Next run'), next === undefined ? vscode.l10n.t('never') : formatFully(next, locale)],
  ]);
  item.tooltip
    .appendMarkdown('\n\n')
    .appendText(
      isHandedOver
        ? vscode.l10n.t('The system’s own scheduler does not know the secrets that VS Code keeps.')
        : vscode.l10n.t('The system’s own scheduler can take over while VS Code is closed.'),
    );
  item.accessibilityInformation = { label: [label, folderName, ...parts].filter(Boolean).join(', ') };
  return item;
}
