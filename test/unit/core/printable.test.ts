import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayName, parsePrintable, plainText, printable } from '../../../src/core/printable.ts';
import { decodeName } from '../../../src/core/source/name.ts';

/** Any bytes that a file may be called by. */
const name = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => decodeName(Buffer.from(bytes))),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      '"',
      '""',
      '"a"',
      'a\\nb',
      '"\\',
      '\u202egnp.exe',
      'e\u0301',
      '😀',
      '\u001b[31mred',
      '\ufeff',
    ),
  )
  .filter((text) => !text.includes('\0'));

describe('a name for people', () => {
  it('holds nothing a terminal would obey, and can be read back', () => {
    fc.assert(
      fc.property(name, (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Surrogate}\u202a-\u202e\u2066-\u2069]/u);
        expect(parsePrintable(shown)).toBe(text);
      }),
    );
  });

  it('is left alone when nothing about it is odd', () => {
    for (const plain of ['a b.txt', 'back\\slash', 'it’s', '中文', '😀.png', 'é', 'say "hi"']) {
      expect(printable(plain)).toBe(plain);
    }
    expect(printable('new\nline\\ \udce9')).toBe('"new\\nline\\\\ \\xe9"');
    expect(printable('\u202e')).toBe('"\\u{202e}"');
  });

  it('stands in a window without quotes and on one line', () => {
    expect(displayName('caf\udce9 a\nb 中 😀')).toBe('caf\\xe9 a\\nb 中 😀');
    expect(displayName('data/\u202egnp.exe')).toBe('data/\\u{202e}gnp.exe');
  });

  it('keeps the lines of a sentence, and nothing else a terminal would obey', () => {
    expect(plainText('one\ntwo \u001b]0;title\u0007 “three”')).toBe('one\ntwo \\x1b]0;title\\x07 “three”');
  });
});
