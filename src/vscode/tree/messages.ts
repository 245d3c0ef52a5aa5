import * as vscode from 'vscode';
import type { FailureData } from '../../engine/failure.ts';
import { codeOf } from '../error.ts';
import { sentenceOf, translated } from '../sentences.ts';
import type { MessageNode } from './nodes.ts';

/** A sentence in the tree. */
export function messageNode(
  id: string,
  text: string,
  icon: MessageNode['icon'],
  tooltip?: string,
  command?: MessageNode['command'],
): MessageNode {
  return { type: 'message', id, text, icon, tooltip, command };
}

/**
 * Why the sets of a folder cannot be shown; selecting it opens the set file where the mistake is, or looks again
 * when it is not in there.
 * @param isNamed whether there are other folders, too
 */
export function failureNode(folder: vscode.WorkspaceFolder, error: unknown, isNamed: boolean): MessageNode {
  const why = sentenceOf(error);
  const text = isNamed ? vscode.l10n.t('{0}: {1}', folder.name, why) : why;
  const code = codeOf(error);
  const isInFile = code === 'invalid-set-file' || code === 'set-file-unreadable';
  const editing = {
    command: 'crmBackup.editSet',
    title: vscode.l10n.t('Edit Backup Set'),
    arguments: [{ workspace: folder.uri.fsPath }],
  };
  const refreshing = { command: 'crmBackup.refresh', title: vscode.l10n.t('Refresh') };
  return messageNode(
    `failure:${folder.uri.toString()}`,
    text,
    'error',
    text,
    isInFile ? editing : refreshing,
  );
}

/** What is wrong with a set. */
export function problemNode(key: string, { message: told, code, hint }: FailureData): MessageNode {
  const message = translated(told, code);
  return messageNode(
    `problem:${key}`,
    message,
    'error',
    hint === undefined ? message : `${message}\n\n${hint}`,
  );
}
