import * as vscode from 'vscode';
import type { EntryChange, OfBackup } from '../../engine/protocol.ts';
import { addressToComparedPath, BACKUP_SCHEME, displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { formatBytes } from '../format.ts';
import type { TextDocuments } from '../text-documents.ts';

/** Files above this size (bytes) are told, not shown. */
const LARGEST_SHOWN = 5_000_000;

/** What a diff editor shows for one change; a side is undefined where the file is not. */
export interface DiffSides {
  readonly label: vscode.Uri;
  readonly before: vscode.Uri | undefined;
  readonly after: vscode.Uri | undefined;
}

/** The two sides of a change: the files in their backups, or a sentence for what is no text or too large. */
export function diffSides(
  documents: TextDocuments,
  to: OfBackup,
  from: string,
  change: EntryChange,
): DiffSides {
  const { path, oldPath = path, before, after } = change;
  const uri = (backup: string, entry: string): vscode.Uri =>
    vscode.Uri.from({
      scheme: BACKUP_SCHEME,
      ...addressToComparedPath({ set: to.set, backup, path: entry }),
    });
  const label = uri(after === undefined ? from : to.backup, path);
  if (isShown(change)) {
    return {
      label,
      before: before === undefined ? undefined : uri(from, oldPath),
      after: after === undefined ? undefined : uri(to.backup, path),
    };
  }
  const name = displayName(pathInWorkspace(path));
  const locale = vscode.env.language;
  const was = before === undefined ? undefined : formatBytes(before, locale);
  const is = after === undefined ? undefined : formatBytes(after, locale);
  const both = [was, is].filter((size) => size !== undefined).join(' → ');
  const sentence = (sizes: string): string =>
    `${change.binary ? vscode.l10n.t('binary, {0}', sizes) : vscode.l10n.t('too large to show, {0}', sizes)}\n`;
  return {
    label,
    before: was === undefined ? undefined : documents.add(name, sentence(was)),
    after: is === undefined ? undefined : documents.add(name, sentence(both)),
  };
}

function isShown({ type, binary, before = 0, after = 0 }: EntryChange): boolean {
  return type === 'file' && !binary && Math.max(before, after) <= LARGEST_SHOWN;
}
