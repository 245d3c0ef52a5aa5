import { element } from './cell.ts';
import type { ChangeKind, CopyFormat, Found, Opened } from './messages.ts';
import { fill, MARKS } from './words.ts';

const KINDS: readonly ChangeKind[] = ['added', 'changed', 'deleted'];
/** Typing is over when nothing was typed for so long. */
const TYPING_MS = 250;

/** What somebody does with the controls above the grid. */
export interface ToolbarActions {
  readonly onFilter: () => void;
  readonly onCopy: () => void;
  readonly onRestore: () => void;
  /** Out of the filter, back to the rows. */
  readonly onLeave: () => void;
}

/** The filter, what is to be done with rows, and how many there are of each kind. */
export class Toolbar {
  readonly element = element('div', 'toolbar');
  readonly kinds: Set<ChangeKind>;
  readonly #opened: Opened;
  readonly #input = element('input');
  readonly #buttons = new Map<ChangeKind, HTMLButtonElement>();
  readonly #format = element('select');
  readonly #restore = element('button', 'primary');
  #typing = 0;

  constructor(
    opened: Opened,
    state: { kinds: readonly ChangeKind[]; text: string; format: CopyFormat },
    actions: ToolbarActions,
  ) {
    this.#opened = opened;
    this.kinds = new Set(state.kinds);
    const { strings } = opened;
    this.#input.type = 'search';
    this.#input.placeholder = strings.filterRows;
    this.#input.setAttribute('aria-label', strings.filterRows);
    this.#input.value = state.text;
    this.#input.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(actions.onFilter, TYPING_MS);
    });
    this.#input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== 'ArrowDown' && event.key !== 'Escape') return;
      event.preventDefault();
      clearTimeout(this.#typing);
      if (event.key === 'Escape') this.#input.value = '';
      actions.onFilter();
      actions.onLeave();
    });
    this.element.append(this.#input);
    if (opened.mode === 'changes') this.element.append(this.#kindButtons(actions));
    this.element.append(element('span', 'space'));
    for (const format of ['sql', 'csv', 'json'] as const) {
      const option = element('option', '', format.toUpperCase());
      option.value = format;
      this.#format.append(option);
    }
    this.#format.value = state.format;
    this.#format.setAttribute('aria-label', strings.format);
    this.#format.addEventListener('change', actions.onFilter);
    const copy = element('button', 'secondary', strings.copy);
    copy.title = strings.copyTooltip;
    copy.addEventListener('click', actions.onCopy);
    this.#restore.textContent = strings.restore;
    if (opened.restoreRefusal !== null) {
      this.#restore.setAttribute('aria-disabled', 'true');
      this.#restore.title = opened.restoreRefusal;
    }
    this.#restore.addEventListener('click', () => {
      if (opened.restoreRefusal === null) actions.onRestore();
    });
    const group = element('div', 'group');
    group.append(copy, this.#format);
    this.element.append(group, this.#restore);
  }

  get text(): string {
    return this.#input.value;
  }

  get format(): CopyFormat {
    return this.#format.value as CopyFormat;
  }

  focusFilter(): void {
    this.#input.focus();
    this.#input.select();
  }

  /** What was typed last is not waited for any more. */
  dispose(): void {
    clearTimeout(this.#typing);
  }

  /** Tells how many rows there are of each kind. */
  tell({ counts, isComplete }: Found): void {
    const { strings, locale } = this.#opened;
    const texts = { added: strings.addedCount, changed: strings.changedCount, deleted: strings.deletedCount };
    for (const [kind, button] of this.#buttons) {
      const count = `${counts[kind].toLocaleString(locale)}${isComplete ? '' : '+'}`;
      button.lastChild!.textContent = fill(texts[kind], count);
    }
  }

  #kindButtons({ onFilter }: ToolbarActions): HTMLElement {
    const { strings } = this.#opened;
    const titles = { added: strings.onlyAdded, changed: strings.onlyChanged, deleted: strings.onlyDeleted };
    const group = element('div', 'group kinds');
    group.setAttribute('role', 'group');
    for (const kind of KINDS) {
      const button = element('button', `kind ${kind}`);
      const mark = element('span', 'mark', MARKS[kind]);
      mark.setAttribute('aria-hidden', 'true');
      button.append(mark, element('span'));
      button.title = titles[kind];
      button.setAttribute('aria-pressed', String(this.kinds.has(kind)));
      button.addEventListener('click', () => {
        if (!this.kinds.delete(kind)) this.kinds.add(kind);
        button.setAttribute('aria-pressed', String(this.kinds.has(kind)));
        onFilter();
      });
      this.#buttons.set(kind, button);
      group.append(button);
    }
    return group;
  }
}
