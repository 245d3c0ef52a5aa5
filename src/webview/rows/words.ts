import { formatBytes } from '../../vscode/format.ts';
import type { ChangeKind, LongCell, Strings } from './messages.ts';

/** Fills the places `{0}`, `{1}` … of a text. */
export function fill(text: string, ...values: readonly string[]): string {
  return text.replace(/\{(\d+)\}/g, (place, number: string) => values[Number(number)] ?? place);
}

/** A mark for each change that needs no colour. */
export const MARKS: Readonly<Record<ChangeKind, string>> = { added: '+', changed: '~', deleted: '−' };

/** What is said of a value that is not shown as a whole. */
export function aboutLong({ bytes, sha256, text }: LongCell, strings: Strings, locale: string): string {
  const size = formatBytes(bytes, locale);
  return text === undefined
    ? fill(strings.binary, size, sha256.slice(0, 8))
    : fill(strings.longText, size, sha256.slice(0, 8));
}
