import * as vscode from 'vscode';

const SCHEME = 'crm-backup-report';
/** As many are kept; an editor reopened later than that is empty. */
const MOST_KEPT = 1000;

/** Read-only documents made of text: previews, reports, and stand-ins for what cannot be shown as text. */
export class TextDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #registration: vscode.Disposable;
  #next = 1;

  constructor() {
    this.#registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  /** Keeps a text; returns the address it can be opened under. The name is what its editor is called. */
  add(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: String(this.#next++) });
    this.#texts.set(uri.toString(), text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > MOST_KEPT && oldest !== undefined) this.#texts.delete(oldest);
    return uri;
  }

  /** Opens a text beside nothing else, as a preview. */
  async show(name: string, text: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(this.add(name, text));
    await vscode.window.showTextDocument(document, { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? vscode.l10n.t('This text is no longer kept.');
  }

  dispose(): void {
    this.#registration.dispose();
    this.#texts.clear();
  }
}
