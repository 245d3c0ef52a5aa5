import * as vscode from 'vscode';
import type { RestorePlan } from '../../engine/protocol.ts';
import { fileCount } from '../counts.ts';
import { displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { formatBytes } from '../format.ts';

/** As many paths of a kind are listed; the rest is counted. */
const MOST_LISTED = 5000;

type Action = RestorePlan['steps'][number]['action'];

/** A restore's plan as a text to read: what is replaced, deleted and created, by name. */
export function planText(plan: RestorePlan, backup: string, destination: string): string {
  return [
    vscode.l10n.t('Restore of {0}', backup),
    vscode.l10n.t('to {0}', destination),
    '',
    vscode.l10n.t('Unchanged: {0}', fileCount(plan.unchanged)),
    vscode.l10n.t('To write: {0}', formatBytes(plan.bytes, vscode.env.language)),
    ...databases(plan),
    ...section(plan, 'replace', vscode.l10n.t('Replaced: {0}', fileCount(plan.replace))),
    ...section(plan, 'delete', vscode.l10n.t('Deleted: {0}', fileCount(plan.delete))),
    ...section(plan, 'create', vscode.l10n.t('Created: {0}', fileCount(plan.create))),
    '',
  ].join('\n');
}

function databases({ databases: all }: RestorePlan): string[] {
  if (all.length === 0) return [];
  const lines = all.flatMap(({ database, target, creates, tables, notices }) => [
    `    ${displayName(database)} → ${displayName(target)}: ${becomes(creates, tables)}`,
    ...notices.map((notice) => `        ${displayName(notice)}`),
  ]);
  return ['', vscode.l10n.t('Databases:'), ...lines];
}

function becomes(creates: boolean, tables: number): string {
  return creates
    ? vscode.l10n.t('created, {0} tables', tables)
    : vscode.l10n.t('replaced, {0} tables', tables);
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
