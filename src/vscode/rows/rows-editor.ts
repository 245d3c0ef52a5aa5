import * as vscode from 'vscode';
import type { FromPage } from '../../webview/rows/messages.ts';
import type { App } from '../app.ts';
import { showFailure } from '../failures.ts';
import { OPEN_ROWS, ROWS_EDITOR } from '../ids.ts';
import { localFolders } from '../sets.ts';
import type { EntryNode, WorkingTableNode } from '../tree/nodes.ts';
import { rowsTarget } from './rows-uri.ts';

/** Editors of rows: read-only, several beside each other, there again after a reload. */
export function registerRowsEditor(app: App): vscode.Disposable {
  const provider = new RowsEditors(app);
  return vscode.Disposable.from(
    app.rowsChanged,
    vscode.commands.registerCommand(OPEN_ROWS, async (node: EntryNode | WorkingTableNode) => {
      const { openTableNode } = await import('./open-rows.ts');
      await openTableNode(app, node).catch((error: unknown) => void showFailure(app.log, error));
    }),
    vscode.window.registerCustomEditorProvider(ROWS_EDITOR, provider, {
      supportsMultipleEditorsPerDocument: true,
    }),
  );
}

class RowsEditors implements vscode.CustomReadonlyEditorProvider {
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  async resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { webview } = panel;
    const target = rowsTarget(uri.query);
    const isOurs = localFolders().some((folder) => folder.uri.fsPath === target?.workspace);
    if (target === undefined || !isOurs)
      throw new Error(vscode.l10n.t('These rows belong to a folder that is not open.'));
    const [{ RowsSession }, { webviewPage }] = await Promise.all([
      import('./rows-session.ts'),
      import('../webview-page.ts'),
    ]);
    panel.iconPath = new vscode.ThemeIcon('table');
    webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(this.#app.extension, 'dist')],
    };
    const session = new RowsSession(this.#app, target, (message) => void webview.postMessage(message));
    const subscriptions = vscode.Disposable.from(
      session,
      webview.onDidReceiveMessage(async (message: FromPage) => session.take(message)),
      this.#app.rowsChanged.event(({ workspace, set }) => {
        if (target.to === null && target.workspace === workspace && target.set === set) session.stale();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(async () => session.take({ type: 'ready' })),
    );
    panel.onDidDispose(() => void subscriptions.dispose());
    webview.html = webviewPage(webview, this.#app.extension, 'rows', vscode.l10n.t('Reading rows…'));
  }
}
