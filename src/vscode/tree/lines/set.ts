import * as vscode from 'vscode';
import { displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatMoment } from '../../format.ts';
import type { SetNode } from '../nodes.ts';
import { setTooltip } from '../tooltips/set.ts';

/** A set: its databases, its last backup, its size. The time does not pass in it: nothing has to be drawn anew. */
export function setItem(node: SetNode): vscode.TreeItem {
  const { state, folderName } = node;
  const locale = vscode.env.language;
  const [latest] = state.backups;
  const item = new vscode.TreeItem(displayName(state.name), vscode.TreeItemCollapsibleState.Expanded);
  const moment = latest && formatMoment(new Date(latest.createdAt), new Date(), locale);
  const size = latest && formatBytes(latest.bytes.source, locale);
  const next = nextRun(state.next);
  const parts = [folderName, ...state.databases, moment, next, size];
  item.description = parts.filter((part) => part !== undefined).join(' · ');
  item.contextValue = 'set';
  item.iconPath = new vscode.ThemeIcon('database');
  item.tooltip = setTooltip(state);
  const spoken = moment && vscode.l10n.t('last backup {0}', moment);
  const words = [displayName(state.name), folderName, ...state.databases, spoken, next, size];
  item.accessibilityInformation = { label: words.filter((word) => word !== undefined).join(', ') };
  return item;
}

/** When something is done by itself, as `next 02:00`. */
function nextRun(next: SetNode['state']['next']): string | undefined {
  if (next === undefined) return undefined;
  if (next.at === undefined) return vscode.l10n.t('due now');
  return vscode.l10n.t('next {0}', formatMoment(new Date(next.at), new Date(), vscode.env.language));
}
