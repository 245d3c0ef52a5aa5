import type { ChangeKind, LongCell, Strings } from './messages.ts';

/** Fills the places `{0}`, `{1}` … of a text. */
export function fill(text: string, ...values: readonly string[]): string {
  return text.replace(/\{(\d+)\}/g, (place, number: string) => values[Number(number)] ?? place);
}

/** A mark for each change that needs no colour. */
export const MARKS: Readonly<Record<ChangeKind, string>> = { added: '+', changed: '~', deleted: '−' };

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** A size as “1.2 MB”. */
function formatBytes(bytes: number, locale: string): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  const number = value.toLocaleString(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${number} ${UNITS[unit] ?? ''}`;
}

/** What is said of a value that is not shown as a whole. */
export function aboutLong({ bytes, sha256, text }: LongCell, strings: Strings, locale: string): string {
  const size = formatBytes(bytes, locale);
  return text === undefined
    ? fill(strings.binary, size, sha256.slice(0, 8))
    : fill(strings.longText, size, sha256.slice(0, 8));
}
