import * as vscode from 'vscode';

/** What is done in a phase of some work; a phase nobody has words for stands under its own name. */
export function phaseName(phase: string): string {
  const names: Readonly<Record<string, string>> = {
    prepare: vscode.l10n.t('Preparing'),
    connect: vscode.l10n.t('Connecting'),
    scan: vscode.l10n.t('Looking for changes'),
    read: vscode.l10n.t('Reading'),
    store: vscode.l10n.t('Storing'),
    verify: vscode.l10n.t('Verifying'),
    compare: vscode.l10n.t('Comparing'),
    mark: vscode.l10n.t('Looking for what is unused'),
    repack: vscode.l10n.t('Repacking'),
    remove: vscode.l10n.t('Removing'),
    write: vscode.l10n.t('Writing'),
    switch: vscode.l10n.t('Switching'),
  };
  return names[phase] ?? phase;
}
