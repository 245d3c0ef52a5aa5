/**
 * What a terminal or an editor obeys or hides instead of showing: control characters (C0, DEL, C1), marks that reorder
 * text, line and paragraph separators, invisible ones, and halves of characters.
 */
const UNSAFE = /[\p{Cc}\p{Surrogate}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;
const TO_ESCAPE = new RegExp(`${UNSAFE.source}|["\\\\]`, 'gu');
const SHORT: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '"': '\\"',
  '\\': '\\\\',
};

/**
 * A name or path for people: as it is, or between double quotes with `\n`, `\xNN` (a byte) and `\u{…}` where it holds
 * anything that would not be shown. {@link parsePrintable} reads it back.
 */
export function printable(name: string): string {
  return UNSAFE.test(name) || name.startsWith('"') ? `"${name.replace(TO_ESCAPE, escaped)}"` : name;
}

/** A sentence of an error or a label for people: only what would be obeyed or hidden is escaped. */
export function plainText(text: string): string {
  return text.replace(new RegExp(UNSAFE, 'gu'), (character) =>
    character === '\n' ? character : escaped(character),
  );
}

/** A name or a line for people, without quotes: as {@link plainText}, and on one line. */
export function displayName(name: string): string {
  return name.replace(new RegExp(UNSAFE, 'gu'), escaped);
}

/** The name that {@link printable} has shown; anything not between double quotes is the name itself. */
export function parsePrintable(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text
    .slice(1, -1)
    .replace(ESCAPE, (_whole: string, byte?: string, point?: string, letter?: string) => {
      if (byte !== undefined) return characterOfByte(Number.parseInt(byte, 16));
      if (point !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(point, 16), 0x10ffff));
      return LETTERS[letter ?? ''] ?? letter ?? '';
    });
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\}|(.))/gsu;
const LETTERS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const point = character.codePointAt(0) ?? 0;
  const byte = byteOf(point);
  return byte === undefined ? `\\u{${point.toString(16)}}` : `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Bytes that are not UTF-8 stand as lone surrogates in names. */
function byteOf(point: number): number | undefined {
  if (point < 0x80) return point;
  return point >= 0xdc80 && point <= 0xdcff ? point - 0xdc00 : undefined;
}

function characterOfByte(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
}
