import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName } from '../../../../src/core/source/name.ts';
import { comparePaths } from '../../../../src/core/vault/order.ts';

const foreignBytes = fc.uint8Array({ min: 1, minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes));
const piece = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('a', 'b', '/', '!', '.', '-', 'é', '中', '\uffff', '😀', '🙀', '\ue000'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 3 }) },
  { weight: 2, arbitrary: foreignBytes },
);
/** Paths as the system could give them, so often alike that the difference is in odd places. */
const anyPath = fc
  .array(piece, { maxLength: 6 })
  .map((pieces) => decodeName(Buffer.concat(pieces.map((one) => Buffer.from(one)))));

function byBytes(a: string, b: string): number {
  const keys = [a, b].map((path) => Buffer.from(encodeName(path).map((byte) => (byte === 0x2f ? 0 : byte))));
  return Buffer.compare(keys[0] ?? Buffer.alloc(0), keys[1] ?? Buffer.alloc(0));
}

describe('the order of a manifest', () => {
  it('is the order of the bytes with / lowest', () => {
    fc.assert(
      fc.property(anyPath, anyPath, anyPath, (start, a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(byBytes(a, b));
        expect(Math.sign(comparePaths(start + a, start + b))).toBe(byBytes(start + a, start + b));
      }),
      { numRuns: 5000 },
    );
  });

  it('puts a directory directly before what it contains', () => {
    const paths = ['a!', 'a/b', 'a', 'a/b/c', 'a.txt', 'a/b.txt', 'a-b', 'b'];
    expect(paths.sort(comparePaths)).toEqual(['a', 'a/b', 'a/b/c', 'a/b.txt', 'a!', 'a-b', 'a.txt', 'b']);
  });

  it('puts emoji behind every other character, unlike the order of JavaScript strings', () => {
    expect(comparePaths('x\uffee', 'x😀')).toBeLessThan(0);
    expect(['x\uffee', 'x😀'].sort()).toEqual(['x😀', 'x\uffee']);
  });

  it('takes the second half of a character for no byte of its own', () => {
    expect(comparePaths('\u{100f0}', '\u{10100}')).toBeLessThan(0);
    expect(comparePaths('a/\u{100f0}/b', 'a/\u{10100}')).toBeLessThan(0);
  });

  it('puts a byte that is not UTF-8 where its value says', () => {
    expect(comparePaths('\udc80', 'é')).toBeLessThan(0);
    expect(comparePaths('\udcff', '😀')).toBeGreaterThan(0);
    expect(comparePaths('z', '\udc80')).toBeLessThan(0);
  });
});
