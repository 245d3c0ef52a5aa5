import { element, isChanged, type Telling } from './cell.ts';
import type { Cell, Column, Opened, Row } from './messages.ts';
import { aboutLong, fill } from './words.ts';

/** The value the keyboard is at, as a whole, with its line breaks. */
export class Details {
  readonly element = element('section', 'details');
  readonly #opened: Opened;
  readonly #telling: Telling;
  readonly #heading = element('h2');
  readonly #body = element('div', 'versions');

  constructor(opened: Opened, onClose: () => void) {
    this.#opened = opened;
    this.#telling = opened;
    this.element.hidden = true;
    this.element.setAttribute('aria-label', opened.strings.details);
    const close = element('button', 'icon', '×');
    close.title = opened.strings.close;
    close.setAttribute('aria-label', opened.strings.close);
    close.addEventListener('click', onClose);
    const bar = element('div', 'bar');
    bar.append(this.#heading, close);
    this.element.append(bar, this.#body);
  }

  show(column: Column | undefined, at: number, row: Row | undefined): void {
    const { strings, mode, beforeName, afterName } = this.#opened;
    this.#body.replaceChildren();
    this.#heading.textContent = column === undefined ? '' : `${column.name} · ${column.type}`;
    if (column === undefined || row === undefined) return;
    const version = (name: string, kind: string, value: Cell): HTMLElement => {
      const part = element('div', `version ${kind}`);
      part.append(element('h3', '', name), this.#value(value));
      return part;
    };
    const [old, fresh] = [row.before?.[at] ?? null, row.after?.[at] ?? null];
    if (mode === 'changes' && isChanged(column, at, row)) {
      if (column.on !== 'after') this.#body.append(version(fill(strings.before, beforeName), 'old', old));
      if (column.on !== 'before') this.#body.append(version(fill(strings.after, afterName), 'new', fresh));
    } else this.#body.append(version(strings.value, '', row.after === null ? old : fresh));
  }

  #value(cell: Cell): HTMLElement {
    const { strings, locale } = this.#telling;
    const shown = element('pre');
    shown.tabIndex = 0;
    if (cell === null) shown.append(element('span', 'null', 'NULL'));
    else if (cell === '') shown.append(element('span', 'empty', strings.empty));
    else if (typeof cell === 'string') shown.textContent = cell;
    else {
      if (cell.text !== undefined) shown.textContent = `${cell.text}…\n`;
      shown.append(element('span', 'about', `${aboutLong(cell, strings, locale)}\nsha256 ${cell.sha256}`));
    }
    return shown;
  }
}
