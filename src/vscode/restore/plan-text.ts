import * as vscode from 'vscode';
import type { Lacking } from '../../core/restore/lacking.ts';
import type { Output, RestorePlan } from '../../engine/protocol.ts';
import { fileCount, tableCount } from '../counts.ts';
import { displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { formatBytes, formatNumber } from '../format.ts';

/** As many paths of a kind are listed; the rest is counted. */
const MOST_LISTED = 5000;

type Action = RestorePlan['steps'][number]['action'];

/** The tables of a backup whose live rows differ; what is `added` there would be deleted. */
export type TableChanges = Pick<Output<'tables'>, 'tables' | 'problems'>;

/** A restore's plan as a text to read: what is replaced, deleted and created, by name, and the rows of each table. */
export function planText(
  plan: RestorePlan,
  backup: string,
  destination: string,
  rows: TableChanges | undefined,
): string {
  return [
    vscode.l10n.t('Restore of {0}', backup),
    vscode.l10n.t('to {0}', destination),
    ...cautions(plan),
    '',
    vscode.l10n.t('Unchanged: {0}', fileCount(plan.unchanged)),
    vscode.l10n.t('To write: {0}', formatBytes(plan.bytes, vscode.env.language)),
    ...databases(plan, rows),
    ...section(plan, 'replace', vscode.l10n.t('Replaced: {0}', fileCount(plan.replace))),
    ...section(plan, 'delete', vscode.l10n.t('Deleted: {0}', fileCount(plan.delete))),
    ...section(plan, 'create', vscode.l10n.t('Created: {0}', fileCount(plan.create))),
    '',
  ].join('\n');
}

/** What to know of a backup before it is restored. */
export function cautions({ lacking, moved, skipped, notDeleted = [] }: RestorePlan): string[] {
  const lines: string[] = [];
  if (moved.length > 0) {
    const [from, to] = (['from', 'to'] as const).map((end) =>
      moved.map((root) => displayName(root[end])).join(', '),
    );
    lines.push(vscode.l10n.t('This backup is of {0} and goes to {1}.', from ?? '', to ?? ''));
  }
  if (lacking !== undefined) lines.push(lackingText(lacking));
  if (skipped !== undefined) lines.push(skippedText(skipped));
  if (notDeleted.length > 0) {
    const roots = notDeleted.map((path) => displayName(pathInWorkspace(path))).join(', ');
    lines.push(
      vscode.l10n.t(
        'Nothing is deleted in {0}: a part of the list of files is damaged or lost, and what it named is not known.',
        roots,
      ),
    );
  }
  return lines;
}

/** What a partial backup does not have. */
export function lackingText({ count, first }: Lacking): string {
  return vscode.l10n.t(
    'The backup is partial; entries missing or in doubt: {0}, the first: {1}: {2}',
    formatNumber(count, vscode.env.language),
    displayName(pathInWorkspace(first.path)),
    displayName(first.message),
  );
}

/** What a restore leaves out, and why. */
export function skippedText({ count, first, isDamage }: NonNullable<RestorePlan['skipped']>): string {
  const facts = [
    formatNumber(count, vscode.env.language),
    displayName(pathInWorkspace(first.path)),
    displayName(first.message),
  ];
  return isDamage
    ? vscode.l10n.t('Left out because the vault has lost or damaged it: {0}, the first: {1}: {2}', ...facts)
    : vscode.l10n.t('Left out: {0}, the first: {1}: {2}', ...facts);
}

function databases({ databases: all }: RestorePlan, rows: TableChanges | undefined): string[] {
  if (all.length === 0) return [];
  const lines = all.flatMap(({ database, target, creates, tables, notices }) => [
    `    ${displayName(database)} → ${displayName(target)}: ${becomes(creates, tables)}`,
    ...notices.map((notice) => `        ${displayName(notice)}`),
    ...rowsOf(database, rows).map((line) => `        ${line}`),
  ]);
  return ['', vscode.l10n.t('Databases:'), ...lines];
}

/** What happens to the rows of each table that differs. */
function rowsOf(name: string, rows: TableChanges | undefined): string[] {
  if (rows === undefined) return [];
  const problem = rows.problems.find(({ path }) => path === `databases/${name}`);
  if (problem !== undefined) return [displayName(problem.message)];
  const differing = rows.tables.filter(({ database }) => database === name);
  if (differing.length === 0) return [vscode.l10n.t('The rows are as in the backup.')];
  const count = (value: number): string => formatNumber(value, vscode.env.language);
  return differing.map(({ table, change, added, changed, deleted }) => {
    const title = displayName(table);
    if (change === 'added') return vscode.l10n.t('{0}: the table is deleted', title);
    if (change === 'deleted') return vscode.l10n.t('{0}: the table is created', title);
    // What has come since goes, and what has gone comes back.
    return vscode.l10n.t(
      '{0}: rows replaced: {1}, deleted: {2}, created: {3}',
      title,
      count(changed),
      count(added),
      count(deleted),
    );
  });
}

function becomes(creates: boolean, tables: number): string {
  return creates
    ? vscode.l10n.t('created, {0}', tableCount(tables))
    : vscode.l10n.t('replaced, {0}', tableCount(tables));
}

function section({ steps }: RestorePlan, action: Action, heading: string): string[] {
  const paths = steps.filter((step) => step.action === action).map(({ path }) => path);
  if (paths.length === 0) return [];
  const rest = paths.length - MOST_LISTED;
  return [
    '',
    heading,
    ...paths.slice(0, MOST_LISTED).map((path) => `    ${displayName(pathInWorkspace(path))}`),
    ...(rest > 0 ? [`    ${vscode.l10n.t('… and {0} more', rest)}`] : []),
  ];
}
