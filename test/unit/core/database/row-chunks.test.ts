import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTINUES, RowChunker } from '../../../../src/core/database/row-chunks.ts';

const KIB = 1024;

interface Cut {
  readonly bytes: Buffer;
  readonly firstKey: number;
}

function cut(table: Buffer, key: readonly number[] = [0], blockBytes = 64 * KIB, seed = 7): Cut[] {
  const chunks: Cut[] = [];
  const chunker = new RowChunker(key, seed, (bytes, firstKey) => {
    chunks.push({ bytes: Buffer.from(bytes), firstKey });
  });
  for (let at = 0; at < table.length; at += blockBytes) chunker.write(table.subarray(at, at + blockBytes));
  chunker.finish();
  return chunks;
}

interface Row {
  readonly id: number;
  readonly value: string;
}

function tableOf(rows: readonly Row[]): Buffer {
  return Buffer.from(rows.map(({ id, value }) => `${id}\t${value}\tend\n`).join(''));
}

function manyRows(count: number, bytes = 120): Row[] {
  return Array.from({ length: count }, (_, id) => ({ id: id * 3, value: `${id % 97}`.padEnd(bytes, 'v') }));
}

/** Row lengths from nothing to several pieces. */
const lengths = fc.oneof(
  { weight: 12, arbitrary: fc.nat(400) },
  { weight: 3, arbitrary: fc.nat(30 * KIB) },
  { weight: 1, arbitrary: fc.integer({ min: 60 * KIB, max: 70 * KIB }) },
  { weight: 1, arbitrary: fc.nat(2200 * KIB) },
);
const tables = fc
  .array(fc.tuple(lengths, fc.integer({ min: 1, max: 200 })), { maxLength: 12 })
  .map((runs) =>
    runs.flatMap(([length, times]) => Array.from({ length: length > 20_000 ? 1 : times }, () => length)),
  )
  .map((all) => tableOf(all.map((length, id) => ({ id, value: 'x'.repeat(length) }))));

describe('row chunks', () => {
  it('hold the whole table in order, wherever the blocks end', () => {
    fc.assert(
      fc.property(tables, fc.integer({ min: 1000, max: 300_000 }), (table, blockBytes) => {
        const chunks = cut(table, [0], blockBytes);
        expect(Buffer.concat(chunks.map(({ bytes }) => bytes)).equals(table)).toBe(true);
        const others = cut(table, [0], 64 * KIB);
        expect(chunks.map(({ bytes }) => bytes.length)).toEqual(others.map(({ bytes }) => bytes.length));
        expect(chunks.map(({ firstKey }) => firstKey)).toEqual(others.map(({ firstKey }) => firstKey));
      }),
      { numRuns: 40 },
    );
  });

  it('begin with a row and end with one, but for rows too long for a chunk', () => {
    fc.assert(
      fc.property(tables, (table) => {
        let isInRow = false;
        for (const { bytes, firstKey } of cut(table)) {
          expect(firstKey === CONTINUES).toBe(isInRow);
          isInRow = bytes.at(-1) !== 0x0a;
          const rows = bytes.toString('latin1').split('\n').length - 1;
          // Only what is one row or a piece of one is larger.
          if (bytes.length > 64 * KIB) expect(rows).toBeLessThanOrEqual(1);
          expect(bytes.length).toBeLessThanOrEqual(KIB * KIB);
        }
        expect(isInRow).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('take a few bytes at a time, too', () => {
    const table = tableOf([...manyRows(500), { id: 5000, value: 'y'.repeat(70 * KIB) }, ...manyRows(300)]);
    expect(cut(table, [0], 17)).toEqual(cut(table));
  });

  it('are of 16 to 64 KiB for rows of any usual length', () => {
    for (const bytes of [10, 200, 3000, 12_000]) {
      const chunks = cut(tableOf(manyRows(Math.ceil(3_000_000 / bytes), bytes)));
      const sizes = chunks.slice(0, -1).map((chunk) => chunk.bytes.length);
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(16 * KIB);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * KIB);
      expect(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toBeLessThan(40 * KIB);
    }
  });

  it('stay the same around a changed, a deleted and an inserted row', () => {
    const rows = manyRows(20_000);
    const before = new Set(cut(tableOf(rows)).map(({ bytes }) => bytes.toString('latin1')));
    fc.assert(
      fc.property(
        fc.nat(rows.length - 1),
        fc.constantFrom('change', 'grow', 'delete', 'insert'),
        (at, what) => {
          const row = rows[at]!;
          const changed = {
            change: [{ ...row, value: row.value.replaceAll('v', 'w') }],
            grow: [{ ...row, value: `${row.value} and more of it` }],
            delete: [],
            insert: [row, { id: row.id + 1, value: 'new'.repeat(40) }],
          }[what];
          const after = cut(tableOf(rows.toSpliced(at, 1, ...changed)));
          const others = after.filter(({ bytes }) => !before.has(bytes.toString('latin1')));
          // A row that began a chunk and is gone moves the cuts behind it, until they meet again.
          expect(others.length).toBeLessThanOrEqual(what === 'change' ? 1 : 6);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are known again by their first key', () => {
    const rows = manyRows(20_000);
    const keys = new Set(cut(tableOf(rows)).map(({ firstKey }) => firstKey));
    const changed = rows.map((row, at) => (at % 200 === 0 ? { ...row, value: `${row.value}!` } : row));
    const after = cut(tableOf(changed));
    expect(after.filter(({ firstKey }) => keys.has(firstKey)).length / after.length).toBeGreaterThan(0.95);
  });

  it('are cut by the key’s columns alone, wherever they stand', () => {
    const rows = Array.from({ length: 5000 }, (_, id) => [`${id % 7}`, 'value'.repeat(20), `${id}`, 'rest']);
    const text = (change: (row: string[]) => string[]): Buffer =>
      Buffer.from(rows.map((row) => `${change(row).join('\t')}\n`).join(''));
    const cuts = (table: Buffer): number[] => cut(table, [2, 0]).map(({ firstKey }) => firstKey);
    const plain = cuts(text((row) => row));
    expect(cuts(text(([a, , b]) => [a!, 'other'.repeat(20), b!, 'tail']))).toEqual(plain);
    expect(cuts(text(([, value, b, rest]) => ['x', value!, b!, rest!]))).not.toEqual(plain);
  });

  it('depend on the vault’s secret', () => {
    const table = tableOf(manyRows(5000));
    const sizes = (seed: number): number[] =>
      cut(table, [0], 64 * KIB, seed).map(({ bytes }) => bytes.length);
    expect(sizes(1)).not.toEqual(sizes(2));
  });

  it('of a table without a key are cut by whole rows', () => {
    const table = tableOf(manyRows(5000));
    const chunks = cut(table, []);
    expect(Buffer.concat(chunks.map(({ bytes }) => bytes)).equals(table)).toBe(true);
    expect(chunks.length).toBeGreaterThan(10);
  });

  it('are none for no rows', () => {
    expect(cut(Buffer.alloc(0))).toEqual([]);
  });
});
