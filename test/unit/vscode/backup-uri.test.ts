import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressToComparedPath, addressToPath, toAddress } from '../../../src/vscode/files/backup-uri.ts';

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
        expect(toAddress({ path: addressToPath(given), query: '' })).toEqual(given);
      }),
    );
  });

  test('lead back, too, when they are for comparing', () => {
    fc.assert(
      fc.property(address, (given) => {
        expect(toAddress(addressToComparedPath(given))).toEqual(given);
      }),
    );
  });

  test('are short and the same for both sides, when they are for comparing', () => {
    const of = (backup: string): string =>
      addressToComparedPath({ set: 'espocrm', backup, path: 'files/workspace/data/config.php' }).path;
    expect(of('abcd')).toBe('/data/config.php');
    expect(of('ef01')).toBe('/data/config.php');
  });

  test('hold nothing that cannot be written in a URI', () => {
    fc.assert(
      fc.property(address, (given) => {
        const { path, query } = addressToComparedPath(given);
        expect(() => encodeURIComponent(addressToPath(given) + path + query)).not.toThrow();
      }),
    );
  });

  test('above all backups name none', () => {
    expect(toAddress({ path: '/', query: '' })).toBeUndefined();
    expect(toAddress({ path: '/espocrm', query: '' })).toBeUndefined();
    expect(toAddress({ path: '/espocrm/abcd/', query: '' })).toEqual({
      set: 'espocrm',
      backup: 'abcd',
      path: '',
    });
  });
});
