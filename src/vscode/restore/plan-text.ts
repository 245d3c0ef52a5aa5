import * as vscode from 'vscode';
import type { RestorePlan } from '../../engine/protocol.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatBytes, formatNumber } from '../format.ts';

/** As many paths of a kind are listed; the rest is counted. */
const MOST_LISTED = 5000;

type Action = RestorePlan['steps'][number]['action'];

/** A restore's plan as a text to read: what is replaced, deleted and created, by name. */
export function planText(plan: RestorePlan, backup: string, destination: string): string {
  const locale = vscode.env.language;
  const count = (value: number): string => formatNumber(value, locale);
  return [
    `# ${vscode.l10n.t('Restore Preview')}`,
    '',
    vscode.l10n.t('Backup: {0}', backup),
    '',
    vscode.l10n.t('To: {0}', destination),
    '',
    `- ${vscode.l10n.t('{0} replaced', count(plan.replace))}`,
    `- ${vscode.l10n.t('{0} deleted', count(plan.delete))}`,
    `- ${vscode.l10n.t('{0} created', count(plan.create))}`,
    `- ${vscode.l10n.t('{0} unchanged', count(plan.unchanged))}`,
    `- ${vscode.l10n.t('{0} to write', formatBytes(plan.bytes, locale))}`,
    '',
    ...section(plan, 'replace', vscode.l10n.t('Replaced')),
    ...section(plan, 'delete', vscode.l10n.t('Deleted')),
    ...section(plan, 'create', vscode.l10n.t('Created')),
  ].join('\n');
}

function section({ steps }: RestorePlan, action: Action, heading: string): string[] {
  const paths = steps.filter((step) => step.action === action).map(({ path }) => displayName(path));
  if (paths.length === 0) return [];
  const rest = paths.length - MOST_LISTED;
  return [
    `## ${heading}`,
    '',
    ...paths.slice(0, MOST_LISTED).map((path) => `- ${path}`),
    ...(rest > 0 ? [`- ${vscode.l10n.t('… and {0} more', rest)}`] : []),
    '',
  ];
}
