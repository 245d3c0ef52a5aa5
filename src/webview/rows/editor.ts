import { element } from './cell.ts';
import { Columns, fittingWidths } from './columns.ts';
import { Details } from './details.ts';
import { Grid, type Place } from './grid.ts';
import type { ChangeKind, Column, CopyFormat, Found, FromPage, Opened, Row, ToPage } from './messages.ts';
import { filterOf, RowStore } from './store.ts';
import { Toolbar } from './toolbar.ts';
import { fill } from './words.ts';

/** Before anything is known, columns are made for rows like the first ones. */
const ROWS_TO_FIT = 60;

/** What is kept when the editor is hidden or the window is reloaded. */
export interface PageState {
  readonly kinds: readonly ChangeKind[];
  readonly text: string;
  readonly format: CopyFormat;
  readonly top: number;
  readonly active: Place;
  /** What the columns are called, and how wide they are. */
  readonly columns: readonly string[];
  readonly widths: readonly number[];
  readonly hasDetails: boolean;
}

/** Speaks with the extension and remembers. */
export interface Host {
  post(message: FromPage): void;
  load(): PageState | undefined;
  save(state: PageState): void;
}

type Failed = Extract<ToPage, { type: 'failed' }>;

/** The page: controls, structure, grid, details, status. */
export class RowsEditor {
  readonly #host: Host;
  readonly #opened: Opened;
  readonly #store: RowStore;
  readonly #toolbar: Toolbar;
  readonly #columns: Columns;
  readonly #grid: Grid;
  readonly #details: Details;
  readonly #status = element('footer');
  readonly #message = element('div', 'message');
  readonly #listening = new AbortController();
  #left: PageState | undefined;
  #whole: { readonly number: number; readonly row: Row } | undefined;

  constructor(host: Host, opened: Opened, root: HTMLElement) {
    this.#host = host;
    this.#opened = opened;
    const state = host.load();
    this.#left = state;
    this.#store = new RowStore((message) => host.post(message));
    const wanted = { kinds: state?.kinds ?? [], text: state?.text ?? '', format: state?.format ?? 'sql' };
    this.#toolbar = new Toolbar(opened, wanted, {
      onFilter: () => this.#filter(),
      onCopy: () => this.#copy(),
      onRestore: () => this.#post('restore'),
      onLeave: () => this.#grid.element.focus(),
    });
    const isKnown = state !== undefined && String(state.columns) === String(this.#names);
    this.#columns = new Columns(isKnown ? state.widths : opened.columns.map(() => 0));
    this.#grid = new Grid({
      opened,
      columns: this.#columns,
      rowHeight: rowHeight(),
      row: (number) => this.#store.row(number),
      onSeen: (first, end) => this.#seen(first, end),
      onChange: () => this.#changed(),
      onEnter: () => this.#toggleDetails(),
    });
    this.#details = new Details(opened, () => this.#toggleDetails());
    this.#details.element.hidden = state?.hasDetails !== true;
    this.#status.setAttribute('role', 'status');
    this.#message.hidden = true;
    const main = element('main');
    main.append(this.#grid.element, this.#message);
    root.replaceChildren(
      this.#heading(),
      this.#toolbar.element,
      ...this.#structure(),
      main,
      this.#details.element,
      this.#status,
    );
    const { signal } = this.#listening;
    document.addEventListener('keydown', (event) => this.#pressKey(event), { signal });
    document.addEventListener('copy', (event) => this.#copied(event), { signal });
    this.#status.textContent = opened.strings.loading;
    this.#grid.element.setAttribute('aria-busy', 'true');
    this.#store.restart(this.#wanted);
    this.#grid.element.focus();
  }

  /** Takes what the extension says. */
  take(message: Exclude<ToPage, Opened>): void {
    switch (message.type) {
      case 'rows':
      case 'counts':
        if (this.#store.take(message)) this.#show(message);
        return;
      case 'details':
        if (message.query !== this.#store.query || message.row === null) return;
        this.#whole = { number: message.number, row: message.row };
        this.#tellDetails();
        return;
      case 'stale':
        this.#restart();
        return;
      case 'failed':
        this.#fail(message);
    }
  }

  /** Another takes its place; it finds what was typed. */
  dispose(): void {
    this.#save();
    this.#listening.abort();
    this.#toolbar.dispose();
    this.#grid.dispose();
  }

  get #wanted(): ReturnType<typeof filterOf> {
    return filterOf(this.#toolbar.kinds, this.#toolbar.text);
  }

  #show(message: Extract<ToPage, { type: 'rows' | 'counts' }>): void {
    const { found } = this.#store;
    this.#message.hidden = true;
    if (message.type === 'rows' && message.rows.length > 0) this.#fit(message.rows);
    this.#grid.setRows(found.found, found.isComplete);
    // A page that was hidden goes on where it was, as soon as there are as many rows again.
    const left = this.#left;
    if (left !== undefined && (found.isComplete || left.active.row < found.found)) {
      this.#left = undefined;
      const row = Math.max(0, Math.min(left.active.row, found.found - 1));
      const column = Math.min(left.active.column, this.#opened.columns.length - 1);
      this.#grid.restore(left.top, { row, column });
    }
    this.#toolbar.tell(found);
    this.#tell(found);
    if (found.isComplete && found.found === 0) this.#tellNothing();
  }

  /** Gives the columns widths, once. */
  #fit(rows: readonly Row[]): void {
    if (this.#columns.widths.some((width) => width > 0)) return;
    const widths = fittingWidths(this.#opened.columns, rows.slice(0, ROWS_TO_FIT), characterWidth());
    for (const [at, width] of widths.entries()) this.#columns.resize(at, width);
    this.#grid.redraw();
  }

  #seen(first: number, end: number): void {
    this.#store.want(first, end);
    this.#save();
  }

  #filter(): void {
    if (JSON.stringify(this.#wanted) !== JSON.stringify(this.#store.filter)) this.#restart();
    this.#save();
  }

  #restart(): void {
    this.#left = undefined;
    this.#whole = undefined;
    this.#message.hidden = true;
    this.#status.textContent = this.#opened.strings.searching;
    this.#grid.element.setAttribute('aria-busy', 'true');
    this.#grid.reset();
    this.#store.restart(this.#wanted);
  }

  #changed(): void {
    this.#tell(this.#store.found);
    this.#tellDetails();
    this.#save();
  }

  /** How many rows there are, and how many are selected. */
  #tell({ found, isComplete, counts }: Found): void {
    const { strings, locale, mode } = this.#opened;
    const number = found.toLocaleString(locale);
    const all = counts.added + counts.changed + counts.deleted;
    const isPart = mode === 'changes' && isComplete && all > found;
    const rows = isPart
      ? fill(strings.ofRows, number, all.toLocaleString(locale))
      : found === 1 && isComplete
        ? strings.oneRow
        : fill(isComplete ? strings.rows : strings.atLeastRows, number);
    const { size } = this.#grid.selection;
    const selected =
      size === 0
        ? []
        : [size === 1 ? strings.oneSelected : fill(strings.selected, size.toLocaleString(locale))];
    const text = [rows, ...selected, ...(isComplete ? [] : [strings.searching])].join(' · ');
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#grid.element.setAttribute('aria-busy', String(!isComplete));
  }

  #tellNothing(): void {
    const { strings, mode } = this.#opened;
    const isFiltered = this.#toolbar.text !== '' || this.#toolbar.kinds.size > 0;
    this.#message.textContent = isFiltered
      ? strings.noMatch
      : mode === 'rows'
        ? strings.noRows
        : strings.noChanges;
    this.#message.hidden = false;
  }

  #fail(message: Failed): void {
    this.#store.fail();
    this.#message.replaceChildren(...failure(message, () => this.#restart()));
    this.#message.hidden = false;
    this.#status.textContent = message.message;
    this.#grid.element.setAttribute('aria-busy', 'false');
  }

  #heading(): HTMLElement {
    const heading = element('header');
    heading.append(element('h1', '', this.#opened.table), element('p', '', this.#opened.subtitle));
    return heading;
  }

  #structure(): HTMLElement[] {
    const { structure, strings } = this.#opened;
    if (structure.length === 0) return [];
    const part = element('details', 'structure');
    part.open = true;
    part.append(element('summary', '', strings.structureChanged));
    const lines = element('pre');
    const signs = { same: ' ', added: '+', deleted: '−' };
    for (const { kind, text } of structure.filter((each) => each.kind !== 'same'))
      lines.append(element('span', `line ${kind}`, `${signs[kind]} ${text}\n`));
    part.append(lines);
    return [part];
  }

  #toggleDetails(): void {
    const { element: details } = this.#details;
    details.hidden = !details.hidden;
    this.#grid.element.focus();
    this.#changed();
  }

  #tellDetails(): void {
    if (this.#details.element.hidden) return;
    const { row: number, column: at } = this.#grid.active;
    const row = this.#store.row(number);
    const cells = [row?.before?.[at], row?.after?.[at]];
    const isCut = cells.some((cell) => typeof cell === 'object' && cell?.text !== undefined);
    const whole = this.#whole?.number === number ? this.#whole.row : undefined;
    if (isCut && whole === undefined)
      this.#host.post({ type: 'details', query: this.#store.query, ...this.#store.numbered, number });
    this.#details.show(this.#column, at, isCut ? (whole ?? row) : row);
  }

  get #names(): readonly string[] {
    return this.#opened.columns.map(({ name }) => name);
  }

  get #column(): Column | undefined {
    return this.#opened.columns[this.#grid.active.column];
  }

  #pressKey(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') {
      event.preventDefault();
      this.#toolbar.focusFilter();
    }
  }

  #copied(event: ClipboardEvent): void {
    // What is marked in a field, or in the details, is copied as anywhere.
    const isText = event.target instanceof HTMLInputElement || getSelection()?.isCollapsed === false;
    if (isText) return;
    event.preventDefault();
    const { row: number, column } = this.#grid.active;
    const row = this.#store.row(number);
    if (this.#grid.selection.size > 0 || column < 0 || row === undefined) {
      this.#copy();
      return;
    }
    const cell = (row.after ?? row.before)?.[column] ?? null;
    if (cell === null || typeof cell === 'string')
      this.#host.post({ type: 'copyText', text: cell ?? 'NULL' });
    else this.#host.post({ type: 'copyCell', ...this.#store.numbered, number, column });
  }

  #copy(): void {
    const ranges = this.#grid.meant;
    if (ranges.length === 0) return;
    this.#host.post({ type: 'copy', ...this.#store.numbered, ranges, format: this.#toolbar.format });
    this.#grid.element.focus();
  }

  #post(type: 'restore'): void {
    const ranges = this.#grid.meant;
    if (ranges.length > 0) this.#host.post({ type, ...this.#store.numbered, ranges });
  }

  #save(): void {
    if (this.#left !== undefined) return;
    this.#host.save({
      kinds: [...this.#toolbar.kinds],
      text: this.#toolbar.text,
      format: this.#toolbar.format,
      top: this.#grid.top,
      active: this.#grid.active,
      columns: this.#names,
      widths: this.#columns.widths,
      hasDetails: !this.#details.element.hidden,
    });
  }
}

/** What failed, and a button to try again. */
export function failure({ message, retry }: Failed, again: () => void): HTMLElement[] {
  const button = element('button', 'secondary', retry);
  button.addEventListener('click', again);
  return [element('p', '', message), button];
}

/** As high as the editor’s lines, and a little. */
function rowHeight(): number {
  const size =
    parseFloat(getComputedStyle(document.body).getPropertyValue('--vscode-editor-font-size')) || 13;
  const height = Math.round(size * 1.4) + 4;
  document.documentElement.style.setProperty('--row-height', `${height}px`);
  return height;
}

/** How wide a character of a value is, about. */
function characterWidth(): number {
  const probe = element('span', 'probe', '0'.repeat(50));
  document.body.append(probe);
  const width = probe.getBoundingClientRect().width / 50;
  probe.remove();
  return width;
}
