import { element } from './cell.ts';
import type { Columns } from './columns.ts';
import { placeInColumn } from './grid-row.ts';
import type { Column, Opened } from './messages.ts';

/** Whom to tell while somebody makes a column wider or narrower. */
export interface Resizing {
  readonly moved: () => void;
  readonly ended: () => void;
}

/** Makes the row of the columns’ names. */
export function headRow(opened: Opened, columns: Columns, resizing: Resizing): HTMLElement {
  const row = element('div', 'row');
  row.setAttribute('role', 'row');
  row.setAttribute('aria-rowindex', '1');
  const { mode, strings } = opened;
  const gutter = element('div', 'gutter', mode === 'changes' ? strings.change : strings.number);
  gutter.setAttribute('role', 'columnheader');
  gutter.setAttribute('aria-colindex', '1');
  row.append(gutter);
  for (const [at, column] of opened.columns.entries()) {
    const cell = headCell(opened, column);
    placeInColumn(cell, columns, at);
    const grip = element('div', 'grip');
    grip.addEventListener('mousedown', (event) => dragGrip(event, columns, at, resizing));
    cell.append(grip);
    row.append(cell);
  }
  return row;
}

function headCell({ mode, strings }: Opened, column: Column): HTMLElement {
  const cell = element('div', `cell on-${column.on}`);
  cell.setAttribute('role', 'columnheader');
  const notes = [
    column.isKey ? strings.key : '',
    column.on === 'after' ? strings.newColumn : column.on === 'before' ? strings.goneColumn : '',
  ].filter((note) => (note !== '' && mode === 'changes') || note === strings.key);
  if (column.on !== 'both' && mode === 'changes')
    cell.append(element('span', 'key', column.on === 'after' ? '+' : '−'));
  cell.append(element('span', 'name', column.name), element('span', 'type', column.type));
  if (column.isKey) cell.append(element('span', 'tag', strings.key));
  cell.title = [`${column.name} ${column.type}`, ...notes].join(' · ');
  cell.setAttribute('aria-label', [column.name, column.type, ...notes].join(', '));
  return cell;
}

function dragGrip(event: MouseEvent, columns: Columns, column: number, resizing: Resizing): void {
  event.preventDefault();
  event.stopPropagation();
  const width = columns.widths[column] ?? 0;
  const move = (to: MouseEvent): void => {
    columns.resize(column, width + to.clientX - event.clientX);
    resizing.moved();
  };
  const stop = (): void => {
    removeEventListener('mousemove', move);
    removeEventListener('mouseup', stop);
    resizing.ended();
  };
  addEventListener('mousemove', move);
  addEventListener('mouseup', stop);
}
