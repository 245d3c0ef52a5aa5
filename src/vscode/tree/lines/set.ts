import * as vscode from 'vscode';
import { latestOf } from '../../../core/latest.ts';
import { displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatMoment, formatRatio } from '../../format.ts';
import type { SetNode } from '../nodes.ts';
import { setTooltip } from '../tooltips/set.ts';

/**
 * A set: its last backup, what comes next, its size and ratio, its databases; in a narrow view the end is cut. The time
 * does not pass in it: nothing has to be drawn anew.
 */
export function setItem(node: SetNode): vscode.TreeItem {
  const { state, folderName } = node;
  const locale = vscode.env.language;
  const latest = latestOf(state.backups);
  const item = new vscode.TreeItem(displayName(state.name), vscode.TreeItemCollapsibleState.Expanded);
  const moment = latest && formatMoment(new Date(latest.createdAt), new Date(), locale);
  const size = latest && formatBytes(latest.bytes.source, locale);
  const ratio = state.ratio === null ? undefined : formatRatio(state.ratio, locale);
  const next = nextRun(state.next);
  const databases = state.databases.map(displayName);
  item.description = joined([folderName, moment, next, size, ratio, ...databases], ' · ');
  item.contextValue = 'set';
  item.iconPath = new vscode.ThemeIcon('database');
  item.tooltip = setTooltip(state);
  const words = [
    displayName(state.name),
    folderName,
    moment && vscode.l10n.t('last backup {0}', moment),
    next,
    size,
    ratio && vscode.l10n.t('backup ratio {0}', ratio),
    ...databases,
  ];
  item.accessibilityInformation = { label: joined(words, ', ') };
  return item;
}

function joined(parts: readonly (string | undefined)[], separator: string): string {
  return parts.filter((part) => part !== undefined).join(separator);
}

/** When something is done by itself, as `next 02:00`. */
function nextRun(next: SetNode['state']['next']): string | undefined {
  if (next === undefined) return undefined;
  if (next.at === undefined) return vscode.l10n.t('due now');
  return vscode.l10n.t('next {0}', formatMoment(new Date(next.at), new Date(), vscode.env.language));
}
