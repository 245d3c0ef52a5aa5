import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressToPath, displayName, pathToAddress } from '../../../src/vscode/files/backup-uri.ts';

/** Characters of every kind that matters here, bytes that are no UTF-8 among them. */
const character = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.integer({ min: 0xdc80, max: 0xdcff }).map((code) => String.fromCharCode(code)),
  fc.integer({ min: 0xf700, max: 0xf7ff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom('%', '#', '?', ' ', '\n', '中', '😀'),
);
const name = fc
  .array(character, { minLength: 1 })
  .map((parts) => parts.join(''))
  .filter((text) => !text.includes('/'));
const address = fc.record({
  set: name.filter((text) => text !== ''),
  backup: fc.stringMatching(/^[0-9a-f]{8,64}$/),
  path: fc.array(name).map((names) => names.join('/')),
});

describe('addresses of what is in a backup', () => {
  test('lead back to where they came from', () => {
    fc.assert(
      fc.property(address, (given) => {
        expect(pathToAddress(addressToPath(given))).toEqual(given);
      }),
    );
  });

  test('hold nothing that cannot be written in a URI', () => {
    fc.assert(
      fc.property(address, (given) => {
        expect(() => encodeURIComponent(addressToPath(given))).not.toThrow();
      }),
    );
  });

  test('above all backups name none', () => {
    expect(pathToAddress('/')).toBeUndefined();
    expect(pathToAddress('/espocrm')).toBeUndefined();
    expect(pathToAddress('/espocrm/abcd/')).toEqual({ set: 'espocrm', backup: 'abcd', path: '' });
  });
});

describe('names for people', () => {
  test('show what cannot be seen', () => {
    expect(displayName('caf\udce9 a\nb 中 😀')).toBe('caf\\xE9 a\\nb 中 😀');
  });
});
