type Child = Node | string;
type Attributes = Readonly<Record<string, string | undefined>>;

/** An element with attributes and children; texts are never read as HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

let sections = 0;

/** A part of the page under its heading. */
export function section(title: string, className: string, ...children: readonly Child[]): HTMLElement {
  const id = `section-${++sections}`;
  return element(
    'section',
    { class: className, 'aria-labelledby': id },
    element('h2', { id }, title),
    ...children,
  );
}

/** What a chart shows, as a table behind a line that opens it. @param id which stays when the page is drawn anew */
export function dataTable(
  id: string,
  title: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLElement {
  const head = element('tr', {}, ...columns.map((column) => element('th', { scope: 'col' }, column)));
  const body = rows.map((cells) => element('tr', {}, ...cells.map((cell) => element('td', {}, cell))));
  return element(
    'details',
    { id },
    element('summary', { id: `${id}-summary` }, title),
    element('table', { class: 'data' }, element('thead', {}, head), element('tbody', {}, ...body)),
  );
}
