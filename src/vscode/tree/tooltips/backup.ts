import * as vscode from 'vscode';
import { countProblems } from '../../../core/problem.ts';
import type { BackupDetails, BackupSummary } from '../../../engine/protocol.ts';
import { displayName } from '../../files/backup-uri.ts';
import {
  formatBytes,
  formatDuration,
  formatFully,
  formatMoment,
  formatNumber,
  formatRatio,
} from '../../format.ts';
import { keptText } from '../../kept-because.ts';
import { kindName } from '../../kinds.ts';
import { phaseName } from '../../phase-words.ts';
import { tooltipTable } from './table.ts';

/** As many problems are told; the rest is counted. */
const MOST_PROBLEMS = 5;
/** Phases that took a smaller share of the time are not worth naming. */
const LEAST_SHARE = 0.02;

type Row = [string, string];

/**
 * Everything known about a backup, as a small table.
 * @param base the backup it is told against; undefined when there is none any more
 * @param details what only the engine knows; undefined when it could not be asked
 */
export function backupTooltip(
  summary: BackupSummary,
  base: BackupSummary | undefined,
  details: BackupDetails | undefined,
): vscode.MarkdownString {
  const locale = vscode.env.language;
  const { problems } = summary;
  const heading = formatFully(new Date(summary.createdAt), locale);
  const tooltip = tooltipTable(
    summary.label === undefined ? heading : `${heading} — ${displayName(summary.label)}`,
    [
      [vscode.l10n.t('Kind'), kindName(summary.kind)],
      ...baseRow(summary, base),
      ...contentRows(summary),
      ...sizeRows(summary),
      ...timeRows(summary, details),
      ...recoveryRow(details),
      ...gitRow(summary),
      ...keptRow(summary),
      [vscode.l10n.t('Id'), summary.id.slice(0, 12)],
    ],
  );
  for (const [icon, text] of marksOf(summary)) {
    tooltip.appendMarkdown(`\n\n$(${icon}) `).appendText(text);
  }
  for (const { message } of problems.slice(0, MOST_PROBLEMS)) {
    tooltip.appendMarkdown('\n\n$(warning) ').appendText(message);
  }
  const more = countProblems(summary) - MOST_PROBLEMS;
  if (more > 0) {
    tooltip.appendMarkdown('\n\n').appendText(vscode.l10n.t('… and {0} more', more));
  }
  return tooltip;
}

/** What the line shows as icon and badge, in words. */
function marksOf(summary: BackupSummary): readonly (readonly [icon: string, text: string])[] {
  const { pinned, verifiedAt, damagedAt, lostPaths = 0 } = summary;
  const fully = (at: string): string => formatFully(new Date(at), vscode.env.language);
  return [
    ...(lostPaths > 0 ? [['error', vscode.l10n.t('Content of it is lost')] as const] : []),
    ...(damagedAt === undefined || lostPaths > 0
      ? []
      : [['error', vscode.l10n.t('Damage was found {0}', fully(damagedAt))] as const]),
    ...(pinned ? [['pinned', vscode.l10n.t('Pinned')] as const] : []),
    ...(verifiedAt === undefined
      ? []
      : [['shield', vscode.l10n.t('Verified {0}', fully(verifiedAt))] as const]),
  ];
}

function baseRow({ base: id }: BackupSummary, base: BackupSummary | undefined): Row[] {
  if (id === undefined) return [];
  const moment = base && formatMoment(new Date(base.createdAt), new Date(), vscode.env.language);
  const text =
    base === undefined || moment === undefined
      ? vscode.l10n.t('{0}, no longer kept', id.slice(0, 12))
      : [kindName(base.kind), moment, displayName(base.label ?? '')].join(' ').trim();
  return [[vscode.l10n.t('Base'), text]];
}

function contentRows({ files, tables }: BackupSummary): Row[] {
  const counted = ({ total, added, modified, deleted }: BackupSummary['files']): string => {
    const [all, ...changes] = [total, added, modified, deleted].map((value) =>
      formatNumber(value, vscode.env.language),
    );
    return vscode.l10n.t('{0} ({1} added, {2} modified, {3} deleted)', all ?? '', ...changes);
  };
  return [
    [vscode.l10n.t('Files'), counted(files)],
    ...(tables.total === 0 ? [] : [[vscode.l10n.t('Tables'), counted(tables)] as Row]),
  ];
}

function sizeRows({ bytes: { source, stored } }: BackupSummary): Row[] {
  const locale = vscode.env.language;
  const size = vscode.l10n.t('{0}, takes {1}', formatBytes(source, locale), formatBytes(stored, locale));
  const ratio: Row[] =
    stored === 0 || source === 0 ? [] : [[vscode.l10n.t('Ratio'), formatRatio(source / stored, locale)]];
  return [[vscode.l10n.t('Size'), size], ...ratio];
}

function timeRows({ durationMs }: BackupSummary, details: BackupDetails | undefined): Row[] {
  const locale = vscode.env.language;
  const phases = Object.entries(details?.phases ?? {})
    .filter(([, ms]) => ms > 0 && ms >= durationMs * LEAST_SHARE)
    .map(([phase, ms]) => `${phaseName(phase)} ${formatDuration(ms, locale)}`);
  const took: Row = [vscode.l10n.t('Took'), formatDuration(durationMs, locale)];
  return phases.length === 0 ? [took] : [took, [vscode.l10n.t('Phases'), phases.join(', ')]];
}

function recoveryRow(details: BackupDetails | undefined): Row[] {
  if (details === undefined) return [];
  const { recoveryMs, estimatedRecoveryMs } = details;
  const duration = (ms: number): string => formatDuration(ms, vscode.env.language);
  const text =
    recoveryMs !== null
      ? vscode.l10n.t('{0}, measured', duration(recoveryMs))
      : estimatedRecoveryMs !== null
        ? vscode.l10n.t('about {0}', duration(estimatedRecoveryMs))
        : vscode.l10n.t('not measured yet');
  return [[vscode.l10n.t('Recovery time'), text]];
}

function gitRow({ git }: BackupSummary): Row[] {
  if (git === undefined) return [];
  const commit = `${displayName(git.branch ?? 'HEAD')}@${git.commit.slice(0, 10)}`;
  return [['Git', git.dirty ? vscode.l10n.t('{0}, with uncommitted changes', commit) : commit]];
}

function keptRow({ keptBecause }: BackupSummary): Row[] {
  return keptBecause === undefined ? [] : [[vscode.l10n.t('Kept'), keptText(keptBecause)]];
}
