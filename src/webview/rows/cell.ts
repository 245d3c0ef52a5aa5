import { isSameCell } from './columns.ts';
import type { Cell, Column, Row, Strings } from './messages.ts';
import { aboutLong, fill } from './words.ts';

/** What is needed to show values in words. */
export interface Telling {
  readonly strings: Strings;
  readonly locale: string;
}

/** Makes an element with a class and a text. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  text = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

/** Fills a cell of the grid: a value, or what it was and is. */
export function fillCell(cell: HTMLElement, column: Column, at: number, row: Row, telling: Telling): void {
  const old = row.before?.[at] ?? null;
  const fresh = row.after?.[at] ?? null;
  if (isChanged(column, at, row)) {
    cell.classList.add('changed');
    const [was, is] = [element('del'), element('ins')];
    const arrow = element('span', 'arrow', '→');
    if (column.on !== 'after') was.append(...valueNodes(old, telling));
    if (column.on !== 'before') is.append(...valueNodes(fresh, telling));
    cell.append(...(column.on === 'both' ? [was, arrow, is] : column.on === 'after' ? [is] : [was]));
    const words = fill(telling.strings.wasIs, textOf(old, telling), textOf(fresh, telling));
    cell.setAttribute('aria-label', words);
    return;
  }
  // A column that came or went has no values on the other side.
  const isThere = row.after === null ? column.on !== 'after' : column.on !== 'before';
  const value = row.after === null ? old : fresh;
  if (isThere) cell.append(...valueNodes(value, telling));
}

/** Whether a row’s value in a column is marked as changed. */
export function isChanged({ on }: Column, at: number, { before, after }: Row): boolean {
  if (before === null || after === null) return false;
  const [old, fresh] = [before[at] ?? null, after[at] ?? null];
  return on === 'both' ? !isSameCell(old, fresh) : old !== null || fresh !== null;
}

/** A value in one line of plain text. */
function textOf(cell: Cell, telling: Telling): string {
  if (cell === null) return 'NULL';
  if (cell === '') return telling.strings.empty;
  if (typeof cell === 'string') return cell;
  const about = aboutLong(cell, telling.strings, telling.locale);
  return cell.text === undefined ? about : `${cell.text}… ${about}`;
}

function valueNodes(cell: Cell, telling: Telling): Node[] {
  if (cell === null) return [element('span', 'null', 'NULL')];
  if (cell === '') return [element('span', 'empty', telling.strings.empty)];
  if (typeof cell === 'string') return textNodes(cell);
  const about = element('span', 'about', aboutLong(cell, telling.strings, telling.locale));
  return cell.text === undefined ? [about] : [...textNodes(`${cell.text}… `), about];
}

const SIGNS: Readonly<Record<string, string>> = { '\n': '↵', '\r': '␍', '\t': '⇥', '\u007f': '␡' };

/** A text in one line: what would break it, or not be seen, as a sign. */
function textNodes(text: string): Node[] {
  // eslint-disable-next-line no-control-regex -- these are what must be seen
  const parts = text.split(/([\u0000-\u001f\u007f]+)/);
  return parts.flatMap((part, at): Node[] => {
    if (part === '') return [];
    if (at % 2 === 0) return [document.createTextNode(part)];
    const signs = Array.from(part, (unit) => SIGNS[unit] ?? String.fromCharCode(0x2400 + unit.charCodeAt(0)));
    return [element('span', 'sign', signs.join(''))];
  });
}
