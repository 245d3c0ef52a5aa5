import { hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_SIZES, type Chunker, createChunker } from '../../../../src/core/vault/chunker.ts';
import { noiseOf } from '../../../build/random-tree.ts';

const SMALL = { min: 64, average: 256, max: 1024 };

function gearOf(seed: number): Buffer {
  return Buffer.from(hkdfSync('sha256', Buffer.alloc(32, seed), Buffer.alloc(16), 'a gear table', 1024));
}

function cutAll(chunker: Chunker, content: Uint8Array): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < content.length;) {
    const length = chunker.cut(content, at, content.length);
    chunks.push(Buffer.from(content.subarray(at, at + length)));
    at += length;
  }
  return chunks;
}

/** Content that is noise in parts and repetition in others. */
const content = fc
  .array(
    fc.oneof(
      fc.tuple(fc.nat(), fc.integer({ min: 0, max: 6000 })).map(([seed, length]) => noiseOf(seed, length)),
      fc
        .tuple(fc.nat(255), fc.integer({ min: 0, max: 4000 }))
        .map(([byte, length]) => Buffer.alloc(length, byte)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.concat(parts));

describe('the chunker', () => {
  const chunker = createChunker(gearOf(1), SMALL);

  it('cuts content into chunks within the bounds that make it up again', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const chunks = cutAll(chunker, bytes);
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
        for (const [number, chunk] of chunks.entries()) {
          expect(chunk.length).toBeLessThanOrEqual(SMALL.max);
          if (number < chunks.length - 1) expect(chunk.length).toBeGreaterThan(SMALL.min);
        }
      }),
    );
  });

  it('cuts the same wherever the content stands in a buffer, and however much of it is there', () => {
    fc.assert(
      fc.property(content, fc.nat(500), fc.nat(3000), (bytes, before, extra) => {
        const moved = Buffer.concat([noiseOf(9, before), bytes, noiseOf(8, 100)]);
        for (let at = 0; at < bytes.length;) {
          const whole = chunker.cut(bytes, at, bytes.length);
          expect(chunker.cut(moved, before + at, before + bytes.length)).toBe(whole);
          const end = Math.min(bytes.length, at + SMALL.max + extra);
          expect(chunker.cut(bytes, at, end)).toBe(whole);
          at += whole;
        }
      }),
    );
  });

  it('finds back to the same cuts after a change', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 0, max: 30_000 }),
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(50),
        (seed, at, inserted, removed) => {
          const before = noiseOf(seed, 60_000);
          const after = Buffer.concat([before.subarray(0, at), inserted, before.subarray(at + removed)]);
          const known = new Set(cutAll(chunker, before).map((chunk) => chunk.toString('latin1')));
          const fresh = cutAll(chunker, after).filter((chunk) => !known.has(chunk.toString('latin1')));
          const freshBytes = fresh.reduce((sum, chunk) => sum + chunk.length, 0);
          expect(freshBytes).toBeLessThan(8 * SMALL.max);
        },
      ),
    );
  });

  it('cuts elsewhere under another key', () => {
    const bytes = noiseOf(3, 60_000);
    const lengths = (table: Buffer): number[] =>
      cutAll(createChunker(table, SMALL), bytes).map((c) => c.length);
    expect(lengths(gearOf(1))).toEqual(lengths(gearOf(1)));
    expect(lengths(gearOf(1))).not.toEqual(lengths(gearOf(2)));
  });

  it('makes chunks of about the average size', () => {
    const bytes = noiseOf(4, 24 * 1024 * 1024);
    const chunks = cutAll(createChunker(gearOf(5)), bytes);
    const average = bytes.length / chunks.length;
    expect(average).toBeGreaterThan(CHUNK_SIZES.average * 0.75);
    expect(average).toBeLessThan(CHUNK_SIZES.average * 1.5);
    const atTheLimit = chunks.filter((chunk) => chunk.length === CHUNK_SIZES.max).length;
    expect(atTheLimit).toBeLessThan(chunks.length * 0.05);
  });
});
