import * as vscode from 'vscode';
import type { BackupSummary } from '../../../engine/protocol.ts';
import { displayName } from '../../files/backup-uri.ts';
import { formatBytes, formatDuration, formatFully, formatNumber } from '../../format.ts';
import { keptText } from '../../kept-because.ts';
import { kindName } from '../../kinds.ts';
import { tooltipTable } from './table.ts';

/** As many problems are told; the rest is counted. */
const MOST_PROBLEMS = 5;

/** Everything known about a backup, as a small table. */
export function backupTooltip(summary: BackupSummary): vscode.MarkdownString {
  const locale = vscode.env.language;
  const { files, bytes, git, problems, verifiedAt } = summary;
  const count = (value: number): string => formatNumber(value, locale);
  const rows: [string, string][] = [
    [vscode.l10n.t('Kind'), kindName(summary.kind)],
    [
      vscode.l10n.t('Files'),
      vscode.l10n.t(
        '{0} ({1} added, {2} modified, {3} deleted)',
        count(files.total),
        count(files.added),
        count(files.modified),
        count(files.deleted),
      ),
    ],
    [
      vscode.l10n.t('Size'),
      vscode.l10n.t('{0}, takes {1}', formatBytes(bytes.source, locale), formatBytes(bytes.stored, locale)),
    ],
    [vscode.l10n.t('Took'), formatDuration(summary.durationMs, locale)],
  ];
  if (git !== undefined) {
    const commit = `${displayName(git.branch ?? 'HEAD')}@${git.commit.slice(0, 10)}`;
    rows.push(['Git', git.dirty ? vscode.l10n.t('{0}, with uncommitted changes', commit) : commit]);
  }
  if (verifiedAt !== undefined)
    rows.push([vscode.l10n.t('Verified'), formatFully(new Date(verifiedAt), locale)]);
  const { keptBecause } = summary;
  if (keptBecause !== undefined) rows.push([vscode.l10n.t('Kept'), keptText(keptBecause)]);
  rows.push([vscode.l10n.t('Id'), summary.id.slice(0, 12)]);
  const heading = formatFully(new Date(summary.createdAt), locale);
  const tooltip = tooltipTable(summary.label === undefined ? heading : `${heading} — ${summary.label}`, rows);
  for (const { message } of problems.slice(0, MOST_PROBLEMS)) {
    tooltip.appendMarkdown('\n\n$(warning) ').appendText(message);
  }
  if (problems.length > MOST_PROBLEMS) {
    tooltip
      .appendMarkdown('\n\n')
      .appendText(vscode.l10n.t('… and {0} more', problems.length - MOST_PROBLEMS));
  }
  return tooltip;
}
