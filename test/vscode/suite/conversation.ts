import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { App } from '../../../src/vscode/app.ts';
import type { Engine } from '../../../src/vscode/engine.ts';
import { RowsSession } from '../../../src/vscode/rows/rows-session.ts';
import type { RowsTarget } from '../../../src/vscode/rows/rows-uri.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { TextDocuments } from '../../../src/vscode/text-documents.ts';
import { Works } from '../../../src/vscode/works.ts';
import type { Filter, FromPage, Opened, ToPage } from '../../../src/webview/rows/messages.ts';
import { quiet } from './workspace.ts';

/** An editor’s answers to its page, without the page. */
export class Conversation implements Disposable {
  readonly heard: ToPage[] = [];
  readonly app: App;
  readonly #session: RowsSession;
  #query = 0;

  constructor(engine: Engine, rows: RowsTarget) {
    const works = new Works();
    this.app = {
      engine,
      sets: new Sets(engine),
      works,
      log: quiet,
      documents: new TextDocuments(),
      rowsChanged: new vscode.EventEmitter(),
    } as unknown as App;
    this.#session = new RowsSession(this.app, rows, (message) => this.heard.push(message));
  }

  async say(message: FromPage): Promise<void> {
    await this.#session.take(message);
  }

  async open(): Promise<Opened> {
    await this.say({ type: 'ready' });
    const last = this.heard.at(-1)!;
    assert.equal(last.type, 'opened', JSON.stringify(last));
    return last;
  }

  /** Asks for rows as the page does: a window, then the count. */
  async rows(filter: Filter, start = 0, limit = 100): Promise<Extract<ToPage, { type: 'rows' }>> {
    const query = ++this.#query;
    await this.say({ type: 'count', query, filter });
    await this.say({ type: 'rows', query, filter, start, limit });
    const last = this.heard.at(-1)!;
    assert.equal(last.type, 'rows', JSON.stringify(last));
    return last;
  }

  [Symbol.dispose](): void {
    this.#session.dispose();
    this.app.sets.dispose();
    this.app.works.dispose();
    this.app.documents.dispose();
    this.app.rowsChanged.dispose();
  }
}
