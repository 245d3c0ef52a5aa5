import * as vscode from 'vscode';
import type { BackupSummary, EntryChange, SetState } from '../../engine/protocol.ts';
import { momentAndLabel } from '../commands/targets.ts';
import { addressToComparedPath, BACKUP_SCHEME, displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { fileOfEntry } from '../files/on-disk.ts';
import { formatBytes } from '../format.ts';
import type { TextDocuments } from '../text-documents.ts';

/** Files above this size (bytes) are told, not shown. */
const LARGEST_SHOWN = 5_000_000;

/** One of two moments that are compared. */
export interface Side {
  /** What it is called in titles: “10:42  Before the upgrade”, “now”. */
  readonly title: string;
  /** Where the content of an entry is; undefined where no editor can open it. */
  readonly contentOf: (path: string) => vscode.Uri | undefined;
}

/** What a diff editor shows for one change; a side is undefined where the file is not. */
export interface DiffSides {
  readonly label: vscode.Uri;
  readonly before: vscode.Uri | undefined;
  readonly after: vscode.Uri | undefined;
}

/** A backup as one side of a comparison. */
export function backupSide(set: string, summary: BackupSummary): Side {
  return {
    title: momentAndLabel(summary),
    contentOf: (path) =>
      vscode.Uri.from({
        scheme: BACKUP_SCHEME,
        ...addressToComparedPath({ set, backup: summary.id, path }),
      }),
  };
}

/** The workspace as one side of a comparison: the files themselves, to be edited. */
export function liveSide({ roots }: Pick<SetState, 'roots'>): Side {
  return { title: vscode.l10n.t('now'), contentOf: (path) => fileOfEntry(roots, path) };
}

/** The two sides of a change: the files themselves, or a sentence for what is no text or too large. */
export function diffSides(documents: TextDocuments, from: Side, to: Side, change: EntryChange): DiffSides {
  const { path, oldPath = path } = change;
  const old = change.before === undefined ? undefined : from.contentOf(oldPath);
  const fresh = change.after === undefined ? undefined : to.contentOf(path);
  const label = fresh ?? old ?? documents.add(displayName(pathInWorkspace(path)), '');
  const isThere = (size: number | undefined, uri: vscode.Uri | undefined): boolean =>
    size === undefined || uri !== undefined;
  if (isShown(change) && isThere(change.before, old) && isThere(change.after, fresh)) {
    return { label, before: path === oldPath ? alike(old, fresh) : old, after: fresh };
  }
  return { label, ...standIns(documents, change) };
}

/** The address of a backup’s file with the path of the live one: where they differ, editors tell of a file that was moved. */
function alike(old: vscode.Uri | undefined, fresh: vscode.Uri | undefined): vscode.Uri | undefined {
  return fresh === undefined || old?.scheme !== BACKUP_SCHEME ? old : old.with({ path: fresh.path });
}

function standIns(
  documents: TextDocuments,
  { path, type, binary, before, after }: EntryChange,
): Pick<DiffSides, 'before' | 'after'> {
  const name = displayName(pathInWorkspace(path));
  const locale = vscode.env.language;
  const was = before === undefined ? undefined : formatBytes(before, locale);
  const is = after === undefined ? undefined : formatBytes(after, locale);
  const both = [was, is].filter((size) => size !== undefined).join(' → ');
  const sentence = (sizes: string): string => {
    if (type === 'table') return `${vscode.l10n.t('table, {0}', sizes)}\n`;
    return `${binary ? vscode.l10n.t('binary, {0}', sizes) : vscode.l10n.t('too large to show, {0}', sizes)}\n`;
  };
  return {
    before: was === undefined ? undefined : documents.add(name, sentence(was)),
    after: is === undefined ? undefined : documents.add(name, sentence(both)),
  };
}

function isShown({ type, binary, before = 0, after = 0 }: EntryChange): boolean {
  return (type === 'file' || type === 'object') && !binary && Math.max(before, after) <= LARGEST_SHOWN;
}
