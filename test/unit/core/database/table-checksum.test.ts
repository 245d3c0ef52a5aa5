import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TableChecksum } from '../../../../src/core/database/table-checksum.ts';

function sum(lines: readonly string[], key: readonly number[], blockBytes = 1000): TableChecksum['value'] {
  const table = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const checksum = new TableChecksum(key);
  for (let at = 0; at < table.length; at += blockBytes) checksum.update(table.subarray(at, at + blockBytes));
  return checksum.value;
}

const lines = fc.array(
  fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((text) => text.replaceAll('\n', ' ')),
);
const keys = fc.constantFrom([0], []);

describe('the checksum of a table', () => {
  it('counts rows and bytes, and is the same wherever the blocks end', () => {
    fc.assert(
      fc.property(lines, keys, fc.integer({ min: 1, max: 200 }), (all, key, blockBytes) => {
        const value = sum(all, key, blockBytes);
        expect(value.rows).toBe(all.length);
        expect(value.bytes).toBe(Buffer.byteLength(all.join('')) + all.length);
        expect(value).toEqual(sum(all, key));
      }),
    );
  });

  it('is another one when a row is another one, is missing or stands twice', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{3,9}$/), { minLength: 2 }), keys, (all, key) => {
        const others = [[`${all[0]}!`, ...all.slice(1)], all.slice(1), [...all, all[0]!]];
        const checksums = [all, ...others].map((each) => sum(each, key).checksum);
        expect(new Set(checksums).size).toBe(checksums.length);
      }),
    );
  });

  it('is another one when any line changes', () => {
    const changes = fc.tuple(lines, fc.nat(), fc.string({ unit: 'binary-ascii', minLength: 1 }), keys);
    fc.assert(
      fc.property(changes, ([all, number, other, key]) => {
        const at = number % all.length;
        const line = other.replaceAll('\n', ' ');
        fc.pre(all.length > 0 && all[at] !== line);
        expect(sum(all.with(at, line), key).checksum).not.toBe(sum(all, key).checksum);
      }),
    );
  });

  it('minds the order of rows only when they have a key', () => {
    const all = ['one', 'two', 'three', 'four'];
    expect(sum(all.toReversed(), [0]).checksum).not.toBe(sum(all, [0]).checksum);
    const orders = lines.chain((each) =>
      fc.tuple(fc.constant(each), fc.shuffledSubarray(each, { minLength: each.length })),
    );
    fc.assert(
      fc.property(orders, ([one, other]) => {
        expect(sum(other, []).checksum).toBe(sum(one, []).checksum);
      }),
    );
  });
});
