import { element, fillCell } from './cell.ts';
import type { Columns } from './columns.ts';
import type { Column, Opened, Row } from './messages.ts';
import { MARKS } from './words.ts';

/** The first column: whether a row is selected, what happened to it, or its number. */
export const GUTTER_WIDTH = 108;

/** A row to show; without content it is not there yet. */
export interface ShownRow {
  readonly number: number;
  readonly row: Row | undefined;
  readonly isSelected: boolean;
  /** The columns that are seen. */
  readonly across: { readonly first: number; readonly end: number };
}

/** What a cell is called in the document. */
export function cellId(row: number, column: number): string {
  return `c-${row}-${column}`;
}

/** Makes a row of the grid with those of its cells that are seen. */
export function gridRow(opened: Opened, columns: Columns, shown: ShownRow): HTMLElement {
  const { number, row, isSelected, across } = shown;
  const made = element('div', 'row');
  made.setAttribute('role', 'row');
  made.setAttribute('aria-rowindex', String(number + 2));
  made.setAttribute('aria-selected', String(isSelected));
  made.classList.toggle('selected', isSelected);
  made.append(gutter(opened, shown));
  if (row === undefined) {
    made.classList.add('unknown');
    return made;
  }
  if (opened.mode === 'changes') made.classList.add(row.change);
  for (let at = across.first; at < across.end; at++) {
    const cell = element('div', 'cell');
    cell.id = cellId(number, at);
    cell.setAttribute('role', 'gridcell');
    placeInColumn(cell, columns, at);
    const column = opened.columns[at]!;
    if (isNumeric(column)) cell.classList.add('number');
    fillCell(cell, column, at, row, opened);
    made.append(cell);
  }
  return made;
}

/** Puts a cell where its column is. */
export function placeInColumn(cell: HTMLElement, columns: Columns, at: number): void {
  cell.setAttribute('aria-colindex', String(at + 2));
  cell.style.left = `${GUTTER_WIDTH + columns.left(at)}px`;
  cell.style.width = `${columns.widths[at] ?? 0}px`;
}

function gutter(opened: Opened, { number, row, isSelected }: ShownRow): HTMLElement {
  const made = element('div', 'gutter');
  made.id = cellId(number, -1);
  made.setAttribute('role', 'rowheader');
  made.setAttribute('aria-colindex', '1');
  made.append(element('span', 'check', isSelected ? '✓' : ''));
  if (opened.mode === 'rows')
    made.append(element('span', 'count', (number + 1).toLocaleString(opened.locale)));
  else if (row !== undefined) {
    const mark = element('span', 'mark', MARKS[row.change]);
    mark.setAttribute('aria-hidden', 'true');
    made.append(mark, element('span', 'word', opened.strings[row.change]));
  }
  return made;
}

function isNumeric({ type }: Column): boolean {
  return /^(?:.*int(?:eger)?\b|decimal|numeric|float|double|real|number|serial)/i.test(type);
}
