import { element } from './cell.ts';
import type { Columns } from './columns.ts';
import { headRow } from './grid-head.ts';
import { cellId, gridRow, GUTTER_WIDTH } from './grid-row.ts';
import type { Opened, Row } from './messages.ts';
import { Selection } from './selection.ts';
import { Viewport } from './viewport.ts';
import { fill } from './words.ts';

/** Rows beyond what is seen that are there already. */
const MORE_ROWS = 6;

/** Where the keyboard is: a row, and a column; -1 is the first, which tells what happened to the row. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

/** What a grid shows, and whom it tells. */
export interface GridOptions {
  readonly opened: Opened;
  readonly columns: Columns;
  readonly rowHeight: number;
  readonly row: (number: number) => Row | undefined;
  /** Rows that are seen from now on. */
  readonly onSeen: (first: number, end: number) => void;
  /** Somebody has moved or selected. */
  readonly onChange: () => void;
  readonly onEnter: () => void;
}

/**
 * A grid of any number of rows, of which only those that are seen are in the document. It keeps the focus itself; the
 * cell that is meant is told by `aria-activedescendant`.
 */
export class Grid {
  readonly element = element('div', 'grid');
  readonly selection = new Selection();
  readonly #options: GridOptions;
  readonly #viewport: Viewport;
  readonly #head = element('div', 'head');
  readonly #canvas = element('div', 'canvas');
  readonly #shown = new Map<number, { readonly element: HTMLElement; readonly row: Row | undefined }>();
  #active: Place = { row: 0, column: -1 };
  /** Where a selection with Shift began. */
  #anchor = 0;
  #seen = '';
  #frame = 0;
  readonly #resizing = new ResizeObserver(() => this.#measure());

  constructor(options: GridOptions) {
    this.#options = options;
    this.#viewport = new Viewport(options.rowHeight);
    const { element: grid } = this;
    grid.tabIndex = 0;
    grid.setAttribute('role', 'grid');
    grid.setAttribute('aria-multiselectable', 'true');
    grid.setAttribute('aria-readonly', 'true');
    grid.setAttribute('aria-colcount', String(options.opened.columns.length + 1));
    grid.setAttribute('aria-label', fill(options.opened.strings.grid, options.opened.table));
    this.#head.setAttribute('role', 'rowgroup');
    this.#canvas.setAttribute('role', 'rowgroup');
    grid.append(this.#head, this.#canvas);
    grid.addEventListener('scroll', () => {
      this.#viewport.scrolledTo(grid.scrollTop);
      this.#draw();
    });
    grid.addEventListener('wheel', (event) => this.#turnWheel(event), { passive: false });
    grid.addEventListener('keydown', (event) => this.#pressKey(event));
    grid.addEventListener('mousedown', (event) => this.#click(event));
    grid.addEventListener('dblclick', (event) => {
      if (this.#placeOf(event) !== undefined) options.onEnter();
    });
    this.#resizing.observe(grid);
    this.#drawHead();
  }

  /** Nothing is drawn or asked for any more. */
  dispose(): void {
    this.#resizing.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  get active(): Place {
    return this.#active;
  }

  get rows(): number {
    return this.#viewport.rows;
  }

  get top(): number {
    return this.#viewport.top;
  }

  /** Rows that an action is meant for: those that are selected, else the one the keyboard is at. */
  get meant(): readonly { readonly start: number; readonly end: number }[] {
    if (this.selection.size > 0) return this.selection.ranges;
    return this.rows === 0 ? [] : [{ start: this.#active.row, end: this.#active.row + 1 }];
  }

  /** There are so many rows now, as far as is known. */
  setRows(rows: number, isAll: boolean): void {
    this.#viewport.rows = rows;
    // Head included; -1 says that nobody knows.
    this.element.setAttribute('aria-rowcount', isAll ? String(rows + 1) : '-1');
    this.#canvas.style.height = `${this.#viewport.canvasHeight}px`;
    if (this.#active.row >= rows && isAll) this.#active = { ...this.#active, row: Math.max(0, rows - 1) };
    this.draw();
  }

  /** Shows other rows, from the first on. */
  reset(): void {
    this.selection.clear();
    this.#anchor = 0;
    this.#active = { row: 0, column: this.#active.column };
    this.#viewport.scrollBy(-this.#viewport.top);
    this.element.scrollTop = 0;
    this.#clear();
    this.#seen = '';
  }

  /** Goes to where somebody was before. */
  restore(top: number, active: Place): void {
    this.#active = active;
    this.#viewport.scrollBy(top - this.#viewport.top);
    this.#syncScroll();
    this.draw();
  }

  /** Draws what has come. */
  draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Draws all anew: widths or the selection have changed. */
  redraw(): void {
    this.#clear();
    this.#drawHead();
    this.draw();
  }

  #clear(): void {
    for (const { element: row } of this.#shown.values()) row.remove();
    this.#shown.clear();
  }

  #measure(): void {
    this.#viewport.height = Math.max(0, this.element.clientHeight - this.#head.offsetHeight);
    this.draw();
  }

  #drawHead(): void {
    const { opened, columns, onChange } = this.#options;
    this.#head.replaceChildren(headRow(opened, columns, { moved: () => this.redraw(), ended: onChange }));
    const width = `${GUTTER_WIDTH + columns.width}px`;
    this.#head.style.width = width;
    this.#canvas.style.width = width;
  }

  #draw(): void {
    const { element: grid } = this;
    const viewport = this.#viewport;
    const { first, end } = viewport.visible(MORE_ROWS);
    const across = this.#options.columns.visible(
      grid.scrollLeft,
      grid.scrollLeft + grid.clientWidth - GUTTER_WIDTH,
    );
    const seen = `${across.first}-${across.end}`;
    // Other columns are seen: the rows that are there have the wrong ones.
    if (seen !== this.#seen) this.#clear();
    this.#seen = seen;
    for (const [number, { element: row }] of this.#shown) {
      if (number >= first && number < end) continue;
      row.remove();
      this.#shown.delete(number);
    }
    const { opened, columns } = this.#options;
    for (let number = first; number < end; number++) {
      const row = this.#options.row(number);
      const shown = this.#shown.get(number);
      const made =
        shown?.row === row && shown !== undefined
          ? shown.element
          : gridRow(opened, columns, { number, row, isSelected: this.selection.has(number), across });
      if (made !== shown?.element) {
        shown?.element.remove();
        this.#canvas.append(made);
        this.#shown.set(number, { element: made, row });
      }
      made.style.transform = `translateY(${viewport.place(number)}px)`;
    }
    this.#markActive();
    this.#options.onSeen(first, end);
  }

  #markActive(): void {
    const id = cellId(this.#active.row, this.#active.column);
    for (const old of this.#canvas.querySelectorAll('.active'))
      if (old.id !== id) old.classList.remove('active');
    const cell = document.getElementById(id);
    cell?.classList.add('active');
    if (cell === null) this.element.removeAttribute('aria-activedescendant');
    else this.element.setAttribute('aria-activedescendant', id);
  }

  #turnWheel(event: WheelEvent): void {
    // On a scaled canvas a pixel is many rows: there the wheel is ours.
    if (!this.#viewport.isScaled || event.ctrlKey || event.deltaY === 0 || event.shiftKey) return;
    event.preventDefault();
    this.#viewport.scrollBy(event.deltaMode === 0 ? event.deltaY : event.deltaY * this.#viewport.rowHeight);
    this.#syncScroll();
    this.draw();
  }

  #syncScroll(): void {
    this.element.scrollTop = this.#viewport.scrollTop;
  }

  #click(event: MouseEvent): void {
    const place = this.#placeOf(event);
    if (place === undefined || event.button !== 0) return;
    if (event.shiftKey) {
      event.preventDefault();
      this.#selectTo(place.row);
    } else if (event.ctrlKey || event.metaKey || place.column < 0) {
      this.selection.toggle(place.row);
      this.#anchor = place.row;
    } else {
      this.selection.clear();
      this.#anchor = place.row;
    }
    this.#active = place;
    this.element.focus();
    this.redraw();
    this.#options.onChange();
  }

  #placeOf(event: MouseEvent): Place | undefined {
    const cell = event.target instanceof Element ? event.target.closest('[id^="c-"]') : null;
    const [, row, column] = /^c-(\d+)-(-?\d+)$/.exec(cell?.id ?? '') ?? [];
    return row === undefined ? undefined : { row: Number(row), column: Number(column) };
  }

  #pressKey(event: KeyboardEvent): void {
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      const { column } = this.#active;
      const { columns } = this.#options;
      if (column >= 0)
        columns.resize(column, (columns.widths[column] ?? 0) + (event.key === 'ArrowLeft' ? -16 : 16));
      this.redraw();
    } else if (control && event.key.toLowerCase() === 'a') {
      this.selection.clear();
      if (this.rows > 0) this.selection.add(0, this.rows);
      this.redraw();
    } else if (event.key === ' ') {
      if (event.shiftKey) this.#selectTo(this.#active.row);
      else if (this.rows > 0) this.selection.toggle(this.#active.row);
      this.#anchor = this.#active.row;
      this.redraw();
    } else if (event.key === 'Escape' && this.selection.size > 0) {
      this.selection.clear();
      this.redraw();
    } else if (event.key === 'Enter') this.#options.onEnter();
    else if (!this.#move(event.key, control, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    this.#options.onChange();
  }

  #move(key: string, control: boolean, isSelecting: boolean): boolean {
    const { row, column } = this.#active;
    const lastRow = this.rows - 1;
    const lastColumn = this.#options.opened.columns.length - 1;
    const moves: Readonly<Record<string, Place>> = {
      ArrowUp: { row: control ? 0 : row - 1, column },
      ArrowDown: { row: control ? lastRow : row + 1, column },
      ArrowLeft: { row, column: control ? -1 : column - 1 },
      ArrowRight: { row, column: control ? lastColumn : column + 1 },
      Home: { row: control ? 0 : row, column: control ? column : -1 },
      End: { row: control ? lastRow : row, column: control ? column : lastColumn },
      PageUp: { row: row - this.#viewport.page, column },
      PageDown: { row: row + this.#viewport.page, column },
    };
    const to = moves[key];
    if (to === undefined) return false;
    this.#active = {
      row: Math.max(0, Math.min(to.row, lastRow)),
      column: Math.max(-1, Math.min(to.column, lastColumn)),
    };
    if (isSelecting && this.#active.row !== row) this.#selectTo(this.#active.row);
    else if (!isSelecting) this.#anchor = this.#active.row;
    this.#reveal();
    return true;
  }

  #selectTo(row: number): void {
    this.selection.clear();
    this.selection.add(Math.min(this.#anchor, row), Math.max(this.#anchor, row) + 1);
    this.#clear();
  }

  #reveal(): void {
    const { columns } = this.#options;
    const { row, column } = this.#active;
    this.#viewport.reveal(row);
    this.#syncScroll();
    const grid = this.element;
    const left = column < 0 ? 0 : columns.left(column);
    const right = left + (columns.widths[column] ?? 0);
    const width = grid.clientWidth - GUTTER_WIDTH;
    if (left < grid.scrollLeft) grid.scrollLeft = left;
    else if (right > grid.scrollLeft + width) grid.scrollLeft = Math.min(left, right - width);
    this.draw();
  }
}
