import * as vscode from 'vscode';
import type { FileVersion } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { toAddress } from '../files/backup-uri.ts';
import type { BackedUpFile } from './file-history-target.ts';

/** The version that the line the cursor is in was last changed in. */
export interface CurrentLineOrigin {
  /** Counted from 1. */
  readonly line: number;
  /** Which of the versions. */
  readonly at: number;
}

/**
 * Finds out in which version the line with the cursor was changed. Undefined when the file is not in the active editor,
 * when what stands there is no version of it, or when nobody can tell; this is an extra that nothing waits for.
 */
export async function currentLineOrigin(
  app: App,
  file: BackedUpFile,
  versions: readonly FileVersion[],
  token: vscode.CancellationToken,
): Promise<CurrentLineOrigin | undefined> {
  const editor = vscode.window.activeTextEditor;
  const { uri, workspace, set } = file;
  if (uri === undefined || editor?.document.uri.toString() !== uri.toString()) return undefined;
  try {
    const shown = toAddressOf(uri) ?? versions[0];
    if (shown === undefined) return undefined;
    const target = { workspace, set, backup: shown.backup, path: shown.path };
    if (uri.scheme === 'file') {
      const stored = await app.engine.call('read', target, { token });
      if (Buffer.from(stored).toString('utf8') !== editor.document.getText()) return undefined;
    }
    const line = editor.selection.active.line + 1;
    const origins = await app.engine.call('lineOrigins', target, { token });
    const origin = origins.find((each) => line >= each.line && line < each.line + each.count);
    const at = versions.findIndex(({ backup }) => backup === origin?.backup);
    return at < 0 ? undefined : { line, at };
  } catch {
    // What failed here fails nothing: the list is whole without it.
    return undefined;
  }
}

function toAddressOf(uri: vscode.Uri): { readonly backup: string; readonly path: string } | undefined {
  return uri.scheme === 'file' ? undefined : toAddress(uri);
}
