import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeRowDelta } from '../../../../src/core/vault/row-delta.ts';
import { ZstdFrameWriter } from '../../../../src/core/vault/zstd-writer.ts';

const decoded = (frame: Buffer, dictionary?: Buffer) =>
  zstdDecompressSync(frame, dictionary === undefined ? {} : { dictionary });

/** Bytes that a decoder must put together from pieces of a dictionary, of themselves and from literals. */
const pieces = fc.array(
  fc.oneof(
    fc.record({ literal: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 300_000 })) }),
    fc.record({
      copy: fc.oneof(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 300_000 })),
      back: fc.oneof(fc.constantFrom(0, 0.25), fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  ),
  { minLength: 1, maxLength: 40 },
);

function noise(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes);
  let state = seed | 1;
  for (let at = 0; at < bytes; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    made[at] = state & 0xff;
  }
  return made;
}

describe('a zstd frame of copies that are known', () => {
  it('is decoded by zstd, whatever is copied from where', () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 64, max: 200_000 }), fc.integer(), (wanted, before, seed) => {
        const dictionary = noise(before, seed);
        const steps: { bytes: number; offset: number }[] = [];
        let all = dictionary;
        for (const piece of wanted) {
          if ('literal' in piece) {
            steps.push({ bytes: piece.literal, offset: 0 });
            all = Buffer.concat([all, noise(piece.literal, seed + all.length)]);
          } else {
            const from = Math.floor(piece.back * (all.length - 1));
            const bytes = Math.min(piece.copy, all.length - from);
            steps.push({ bytes, offset: all.length - from });
            all = Buffer.concat([all, all.subarray(from, from + bytes)]);
          }
        }
        const plain = all.subarray(before);
        const writer = new ZstdFrameWriter(plain);
        for (const { bytes, offset } of steps) {
          if (offset === 0) writer.literal(bytes);
          else writer.copy(bytes, offset);
        }
        expect(decoded(writer.finish(before), dictionary).equals(plain)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is decoded at the bounds of every code', () => {
    const powers = Array.from({ length: 17 }, (_, log) => 2 ** log);
    const lengths = [
      ...Array(70).keys(),
      ...powers.flatMap((power) => [power - 1, power, power + 1, power + 2]),
    ];
    const dictionary = noise(2 ** 20 + 8, 3);
    const offsets = [...powers, 2 ** 17, 2 ** 18, 2 ** 19, 2 ** 20].flatMap((power) => [power - 1, power]);
    for (const [at, length] of lengths.entries()) {
      const literals = lengths[(at * 31) % lengths.length]!;
      const offset = Math.max(1, offsets[at % offsets.length]!);
      const parts = [dictionary, noise(literals, 7)];
      for (let round = 0; round < 2; round++) {
        const all = Buffer.concat(parts);
        const copy = Buffer.alloc(Math.max(1, length));
        for (let to = 0; to < copy.length; to++) {
          const from = all.length - offset + to;
          copy[to] = from < all.length ? all[from]! : copy[from - all.length]!;
        }
        parts.push(copy, noise(literals, 11 + round));
      }
      const plain = Buffer.concat(parts.slice(1));
      const writer = new ZstdFrameWriter(plain);
      writer.literal(literals);
      for (let round = 0; round < 2; round++) {
        writer.copy(Math.max(1, length), offset);
        writer.literal(literals);
      }
      expect(decoded(writer.finish(dictionary.length), dictionary).equals(plain)).toBe(true);
    }
  });

  it('may be of nothing', () => {
    expect(decoded(new ZstdFrameWriter(Buffer.alloc(0)).finish(0))).toHaveLength(0);
  });
});

/** Lines as a table has them. */
function rows(count: number, of: (id: number) => string | undefined): Buffer {
  const lines: string[] = [];
  for (let id = 0; id < count; id++) {
    const line = of(id);
    if (line !== undefined) lines.push(`${line}\n`);
  }
  return Buffer.from(lines.join(''));
}
const text = (id: number) => noise(30, id).toString('base64');
const row = (id: number, note = text(-id)) => `${id}\t${text(id)}\t${id % 7}\t${note}\t2026-01-0${id % 9}`;

describe('rows against those before', () => {
  const before = rows(4000, (id) => row(id));

  it.each([
    ['nothing', row],
    ['a field of some', (id: number) => row(id, id % 200 === 3 ? 'changed' : undefined)],
    ['the first field of some', (id: number) => (id % 200 === 3 ? `x${row(id)}` : row(id))],
    ['the last field of some', (id: number) => (id % 200 === 3 ? `${row(id)}9` : row(id))],
    [
      'two fields of some',
      (id: number) => (id % 200 === 3 ? row(id, 'new').replace('\t3\t', '\t4\t') : row(id)),
    ],
    ['some that are gone', (id: number) => (id % 200 === 3 ? undefined : row(id))],
    ['many together that are gone', (id: number) => (id > 1000 && id < 3000 ? undefined : row(id))],
    ['some that are new', (id: number) => (id % 200 === 3 ? `${row(id)}\n${id}5\tnew` : row(id))],
    ['the first', (id: number) => (id === 0 ? 'other\n' : row(id))],
    ['the last', (id: number) => (id === 3999 ? 'other\n' : row(id))],
  ])('store little more than what differs: %s', (_, of) => {
    const plain = rows(4000, of);
    const coded = codeRowDelta(plain, before)!;
    expect(decoded(coded, before).equals(plain)).toBe(true);
    expect(coded.length).toBeLessThan(plain.length / 100);
  });

  it('are left to zstd where much differs', () => {
    expect(
      codeRowDelta(
        rows(4000, (id) => row(id, 'all')),
        before,
      ),
    ).toBeUndefined();
    expect(codeRowDelta(noise(100_000, 5), before)).toBeUndefined();
    expect(codeRowDelta(before, Buffer.from('short'))).toBeUndefined();
    // One field that is changed here and there is not read through again for each of its changes.
    const long = Buffer.alloc(2 ** 20, 'a long text without end, ');
    const changed = Buffer.from(long);
    for (let at = 0; at < changed.length; at += 80) changed[at] = 0x21;
    expect(codeRowDelta(changed, long)).toBeUndefined();
  });

  it('come back whatever they are', () => {
    const field = fc.oneof(
      fc.constantFrom('', 'a', '\\N', 'lead', 'x'.repeat(40)),
      fc.string({ maxLength: 20 }),
    );
    const lines = fc.array(fc.array(field, { maxLength: 4 }), { maxLength: 60 });
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 40 }), fc.string({ maxLength: 12 })), {
      maxLength: 4,
    });
    let coded = 0;
    fc.assert(
      fc.property(lines, edits, fc.boolean(), (table, changes, ends) => {
        const old = Buffer.from(table.map((fields) => `${fields.join('\t')}\n`).join('') + (ends ? '' : 'x'));
        let text = old.toString();
        for (const [at, gone, added] of changes) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + added + text.slice(place + gone);
        }
        // A long beginning that is the same keeps the share of what is new small.
        const same = 'the same as it was\tbefore\n'.repeat(200);
        const dictionary = Buffer.concat([Buffer.from(same), old]);
        const plain = Buffer.from(same + text);
        const frame = codeRowDelta(plain, dictionary);
        if (frame === undefined) return;
        coded++;
        expect(decoded(frame, dictionary).equals(plain)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(coded).toBeGreaterThan(200);
  });
});
