import * as vscode from 'vscode';
import { CancelledError } from '../../core/errors.ts';
import type { OfTable, RowWindow } from '../../engine/protocol.ts';
import type { FromPage, Numbered, ToPage } from '../../webview/rows/messages.ts';
import type { App } from '../app.ts';
import type { CallOptions } from '../engine.ts';
import { codeOf, EditorError } from '../error.ts';
import { showFailure } from '../failures.ts';
import { displayName } from '../files/backup-uri.ts';
import { sentenceOf } from '../sentences.ts';
import { copyRows } from './copy-rows.ts';
import { versionName } from './open-rows.ts';
import { restoreRows } from './restore-rows.ts';
import { tableName } from './rows-uri.ts';
import { pageStrings } from './strings.ts';

/** Longer values are cut in a cell, and in the details. */
const CELL_CHARACTERS = 256;
const DETAIL_CHARACTERS = 256 * 1024;

/** One editor of rows: answers what its page asks. */
export class RowsSession implements vscode.Disposable {
  readonly #app: App;
  readonly #target: OfTable;
  readonly #post: (message: ToPage) => void;
  /** What is under way for the page’s latest filter. */
  #query = -1;
  #cancellation = new vscode.CancellationTokenSource();
  /** What the page’s columns are, once it has some. */
  #head: string | undefined;

  constructor(app: App, target: OfTable, post: (message: ToPage) => void) {
    this.#app = app;
    this.#target = target;
    this.#post = post;
  }

  get target(): OfTable {
    return this.#target;
  }

  /** Answers the page; what fails is told there, or as any command’s failure. */
  async take(message: FromPage): Promise<void> {
    try {
      await this.#answer(message);
    } catch (error) {
      if (error instanceof CancelledError) return;
      const isOther = codeOf(error) === 'other-rows';
      if (isOther || (codeOf(error) === 'rows-changed' && this.#target.to === null)) this.stale();
      if (message.type.startsWith('copy') || message.type === 'restore') {
        void showFailure(this.#app.log, error);
        return;
      }
      // What the page shows instead tells it well enough.
      if (isOther) return;
      const text = sentenceOf(error);
      this.#app.log.error(text, error);
      this.#post({ type: 'failed', message: text, retry: vscode.l10n.t('Try Again') });
    }
  }

  /** Rows may be others now. */
  stale(): void {
    if (this.#head !== undefined) this.#post({ type: 'stale' });
  }

  dispose(): void {
    this.#cancellation.cancel();
    this.#cancellation.dispose();
  }

  async #answer(message: FromPage): Promise<void> {
    if (this.#target.to === null && !vscode.workspace.isTrusted) {
      const why = vscode.l10n.t('In Restricted Mode, live databases are not connected to.');
      throw new EditorError('untrusted', why);
    }
    switch (message.type) {
      case 'ready':
        // A page that was hidden numbers its queries from the first again.
        this.#query = -1;
        await this.#app.sets.load();
        this.#open(await this.#rows({ query: 0, filter: {} }, CELL_CHARACTERS, 0, 0));
        return;
      case 'rows': {
        const { query, start, limit } = message;
        const window = await this.#rows(message, CELL_CHARACTERS, start, limit);
        // Rows of other columns than those that are shown: the page is made anew, and asks for them again.
        if (this.#head !== undefined && this.#head !== headOf(window)) {
          this.#open(window);
          return;
        }
        const { rows, ...found } = foundOf(window);
        this.#post({ type: 'rows', query, comparison: window.comparison, start, rows, ...found });
        return;
      }
      case 'count':
        return this.#count(message.query, message);
      case 'details': {
        const { query, number } = message;
        const { rows } = await this.#rows(message, DETAIL_CHARACTERS, number, 1);
        this.#post({ type: 'details', query, number, row: rows[0] ?? null });
        return;
      }
      case 'copyText':
        await vscode.env.clipboard.writeText(message.text);
        return;
      case 'copyCell': {
        const { filter, comparison, number, column } = message;
        const input = { ...this.#target, filter, comparison, number, column };
        const { text } = await this.#app.engine.call('copyCell', input);
        await vscode.env.clipboard.writeText(text ?? 'NULL');
        return;
      }
      case 'copy':
        return copyRows(this.#app, { ...this.#target, ...message });
      case 'restore':
        await restoreRows(this.#app, { ...this.#target, ...message });
    }
  }

  #open(window: RowWindow): void {
    const { columns, key, structure } = window;
    const { from, to, database } = this.#target;
    const [beforeName, afterName] = [from, to].map((version) =>
      versionName(this.#app, this.#target, version),
    ) as [string, string];
    const isChanges = from !== null;
    this.#head = headOf(window);
    this.#post({
      type: 'opened',
      locale: vscode.env.language,
      strings: pageStrings(),
      table: displayName(tableName(this.#target)),
      subtitle: [displayName(database), isChanges ? `${beforeName} → ${afterName}` : afterName].join(' · '),
      mode: isChanges ? 'changes' : 'rows',
      beforeName,
      afterName,
      columns: columns.map((column) => ({
        ...column,
        name: displayName(column.name),
        isKey: key.includes(column.name),
      })),
      structure,
      restoreRefusal: refusal(key),
    });
  }

  /** Counts to the end, or until the page asks something else. */
  async #count(query: number, { filter, comparison }: Numbered): Promise<void> {
    this.#begin(query);
    const options = this.#options;
    const input = { ...this.#target, filter, comparison };
    while (query === this.#query && options.token?.isCancellationRequested !== true) {
      const state = await this.#app.engine.call('countRows', input, options);
      this.#post({ type: 'counts', query, ...state });
      if (state.isComplete) return;
    }
  }

  async #rows(
    { query, filter, comparison }: { readonly query: number } & Numbered,
    mostCharacters: number,
    start: number,
    limit: number,
  ): Promise<RowWindow> {
    this.#begin(query);
    const input = { ...this.#target, filter, comparison, start, limit, mostCharacters };
    return this.#app.engine.call('rows', input, this.#options);
  }

  /** Whatever is under way for an older filter is of no use any more. */
  #begin(query: number): void {
    if (query <= this.#query) return;
    this.#query = query;
    this.#cancellation.cancel();
    this.#cancellation.dispose();
    this.#cancellation = new vscode.CancellationTokenSource();
  }

  get #options(): CallOptions {
    return { token: this.#cancellation.token };
  }
}

/** The same for windows of rows that stand under the same columns. */
function headOf({ columns, key, structure }: RowWindow): string {
  return JSON.stringify([columns, key, structure]);
}

/** What the page gets of an answer. */
function foundOf({
  rows,
  counts,
  found,
  isComplete,
}: RowWindow): Pick<RowWindow, 'rows' | 'counts' | 'found' | 'isComplete'> {
  return {
    // Keys stand among the values.
    rows: rows.map(({ change, before, after }) => ({ change, key: [], before, after })),
    counts,
    found,
    isComplete,
  };
}

/** Why rows cannot be restored; null when they can. */
function refusal(key: readonly string[]): string | null {
  if (!vscode.workspace.isTrusted)
    return vscode.l10n.t('In Restricted Mode, rows can be looked at and copied, not restored.');
  if (key.length === 0)
    return vscode.l10n.t('Without a key, rows cannot be found again: restore the whole table.');
  return null;
}
