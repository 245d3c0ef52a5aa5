import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shownLine, shownText } from '../../../src/vscode/shown-text.ts';

/** Texts with the characters that links and icons are made of. */
const text = fc
  .array(
    fc.constantFrom('](', '$(', '[', ']', '(', ')', '$', '\\', 'zap', 'command:x', ' ', '中', '\n', '\u202e'),
  )
  .map((parts) => parts.join(''));

/** What the editor makes a link or an icon of. */
const OBEYED = /\]\(|\$\(|\p{Bidi_Control}/u;

describe('a text of names', () => {
  test('holds neither a link nor an icon, and reads the same', () => {
    fc.assert(
      fc.property(text, (name) => {
        const shown = shownText(name);
        expect(shown).not.toMatch(OBEYED);
        expect(shown.replaceAll('\u2060', '')).toBe(name.replaceAll('\u202e', '\\u{202e}'));
      }),
    );
  });

  test('in a list keeps the icon that stands before it, and no other', () => {
    fc.assert(
      fc.property(text, (name) => {
        const line = shownLine({ label: `$(folder) ${name}`, description: name, detail: name });
        expect(line.label.startsWith('$(folder) ')).toBe(true);
        for (const part of [line.label.slice('$(folder) '.length), line.description, line.detail])
          expect(part).not.toMatch(OBEYED);
        expect(shownLine({ label: `$(zap) ${name}`, iconPath: {} }).label).not.toMatch(OBEYED);
      }),
    );
  });
});
