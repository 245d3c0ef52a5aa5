import { plainText } from '../core/printable.ts';

/** Shown as nothing, and not broken at: the word joiner. */
const NOTHING = '\u2060';

/**
 * A text that the editor shows as it is. In messages, progress and input boxes it makes a command that one click runs
 * of `[text](command:…)`, even in Restricted Mode, and in lists and the status bar an icon of `$(name)`; and files may
 * be called so. Pure.
 */
export function shownText(text: string): string {
  return plainText(text).replace(/(?<=\])(?=\()|(?<=\$)(?=\()/g, NOTHING);
}

/** The parts of a line of a list that the editor reads icons from. */
interface Line {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly iconPath?: unknown;
}

/** A line of a list whose only icon is ours: its `iconPath`, or one that its label begins with. Pure. */
export function shownLine<T extends Line>(line: T): T {
  const { label, description, detail, iconPath } = line;
  const icon = iconPath === undefined ? (/^\$\([a-z-]+\) /.exec(label)?.[0] ?? '') : '';
  return {
    ...line,
    label: icon + shownText(label.slice(icon.length)),
    ...(description !== undefined && { description: shownText(description) }),
    ...(detail !== undefined && { detail: shownText(detail) }),
  };
}
