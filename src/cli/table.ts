import { stripVTControlCharacters } from 'node:util';

/** One column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const WIDE =
  /^(?:\p{Emoji_Presentation}|.\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;

/** Lines of aligned columns under their titles; a column that is empty everywhere is left out. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  titleStyle: (title: string) => string = (title) => title,
): string {
  const shown = columns.flatMap((column, at) => (rows.some((row) => row[at] !== '') ? [{ column, at }] : []));
  const widths = shown.map(({ column, at }) =>
    Math.max(column.title.length, ...rows.map((row) => displayWidth(row[at] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        const padding = ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
        if (shown[at]?.column.align === 'right') return padding + cell;
        return at === cells.length - 1 ? cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  const titles = titleStyle(line(shown.map(({ column }) => column.title)));
  return [titles, ...rows.map((row) => line(shown.map(({ at }) => row[at] ?? '')))].join('\n');
}

/** Lines of `name  value`, the values below each other; empty values are left out. */
export function formatFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const shown = facts.filter(([, value]) => value !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** How many cells of a terminal a text takes. */
export function displayWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  // Nothing below U+0300 is wide or joins with others, and loading the segmenter takes longer than the whole table.
  if (!/[\u0300-\uffff]/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(plain)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
