import * as vscode from 'vscode';
import { codeOf } from './error.ts';

/**
 * What failed, in the user’s language. The engine tells its failures in English, with names and numbers only it knows;
 * elsewhere its sentence follows what the code means.
 */
export function sentenceOf(error: unknown): string {
  const told = error instanceof Error ? error.message : String(error);
  return translated(told, codeOf(error));
}

/** The same of a failure that is data. */
export function translated(told: string, code: string | undefined): string {
  const meaning = code === undefined ? undefined : meanings()[code];
  const isEnglish = vscode.l10n.bundle === undefined;
  return isEnglish || meaning === undefined ? told : `${meaning} (${told})`;
}

function meanings(): Readonly<Record<string, string | undefined>> {
  return {
    stopped: vscode.l10n.t('The backup engine stopped unexpectedly.'),
    locked: vscode.l10n.t('Another process is working there.'),
    'no-space': vscode.l10n.t('There is not enough space on the disk.'),
    permission: vscode.l10n.t('Something may not be read or written.'),
    damaged: vscode.l10n.t('Something in the vault is damaged.'),
    'missing-key': vscode.l10n.t('The key of the vault is missing.'),
    'wrong-key': vscode.l10n.t('The key does not fit the vault.'),
    'no-vault': vscode.l10n.t('The vault is not there.'),
    'newer-format': vscode.l10n.t('The vault needs a newer version of CRM Backup.'),
    'invalid-set-file': vscode.l10n.t('The backup set file has a mistake.'),
    'missing-variable': vscode.l10n.t('The backup set uses a value that is not known.'),
    'nothing-to-back-up': vscode.l10n.t('There is nothing to back up.'),
    'unknown-backup': vscode.l10n.t('There is no such backup.'),
    unreachable: vscode.l10n.t('The database cannot be reached.'),
    'login-refused': vscode.l10n.t('The database refuses the login.'),
    'missing-tool': vscode.l10n.t('A program that is needed is missing.'),
    'in-use': vscode.l10n.t('Others are using the database.'),
    'restored-since': vscode.l10n.t('Something was restored again since; nothing was changed.'),
    'storage-failed': vscode.l10n.t('The disk cannot be read or written.'),
  };
}
