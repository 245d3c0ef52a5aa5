import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeFrame, decodeFrame, FrameMethod } from '../../../../src/core/vault/frame.ts';
import { noiseOf, randomContent } from '../../../build/random-tree.ts';

const ZSTD_DICTIONARY_MAGIC = Buffer.from([0x37, 0xa4, 0x30, 0xec]);

function roundTrip(plain: Uint8Array, dictionary?: Uint8Array): { method: FrameMethod; bytes: number } {
  const coded = codeFrame(plain, dictionary);
  const used = coded.method === FrameMethod.delta ? dictionary : undefined;
  // A copy: what is read from a pack stands at any place in its buffer.
  const decoded = decodeFrame(coded.method, new Uint8Array(coded.bytes), plain.length, used);
  expect(decoded.equals(plain)).toBe(true);
  return { method: coded.method, bytes: coded.bytes.byteLength };
}

/** Content with a few bytes changed here and there. */
function edited(content: Buffer, every: number): Buffer {
  const copy = Buffer.from(content);
  for (let at = 0; at < copy.length; at += every) copy[at] = copy[at]! ^ 0xff;
  return copy;
}

describe('a frame', () => {
  it('gives back any content', () => {
    fc.assert(
      fc.property(randomContent(), (plain) => {
        roundTrip(plain);
      }),
    );
  });

  it('gives back any content against any dictionary', () => {
    const dictionary = fc.oneof(
      randomContent(),
      randomContent().map((content) => Buffer.concat([ZSTD_DICTIONARY_MAGIC, content])),
    );
    fc.assert(
      fc.property(randomContent(), dictionary, (plain, against) => {
        roundTrip(plain, against);
      }),
    );
  });

  it('takes an empty content as it is', () => {
    expect(roundTrip(Buffer.alloc(0))).toEqual({ method: FrameMethod.raw, bytes: 0 });
    expect(roundTrip(Buffer.alloc(0), Buffer.from('dictionary')).bytes).toBe(0);
  });

  it('stores what cannot be compressed as it is', () => {
    expect(roundTrip(noiseOf(1, 500_000))).toEqual({ method: FrameMethod.raw, bytes: 500_000 });
  });

  it('stores a changed content as little more than what changed', () => {
    const before = noiseOf(2, 900_000);
    const delta = roundTrip(edited(before, 50_000), before);
    expect(delta.method).toBe(FrameMethod.delta);
    expect(delta.bytes).toBeLessThan(2000);
  });

  it.each([0, 1, 4, 7, 8, 9, 1000])(
    'takes a dictionary of %i bytes after zstd’s magic as plain bytes',
    (extra) => {
      const before = Buffer.concat([ZSTD_DICTIONARY_MAGIC, noiseOf(3, extra)]);
      const plain = Buffer.concat([noiseOf(4, 300), before, noiseOf(5, 300)]);
      const { method } = roundTrip(plain, before);
      if (extra === 1000) expect(method).toBe(FrameMethod.delta);
    },
  );

  it('uses a dictionary that begins with zstd’s magic as well as any other', () => {
    const before = Buffer.concat([ZSTD_DICTIONARY_MAGIC, noiseOf(6, 400_000)]);
    const delta = roundTrip(edited(before, 40_000), before);
    expect(delta).toMatchObject({ method: FrameMethod.delta });
    expect(delta.bytes).toBeLessThan(2000);
  });

  it('writes fresh what a dictionary does not help enough', () => {
    const plain = Buffer.from(noiseOf(9, 200_000).toString('hex'));
    expect(roundTrip(plain, noiseOf(7, 100_000)).method).toBe(FrameMethod.zstd);
  });

  it('is found damaged when it does not decode to its size', () => {
    const plain = Buffer.from('some text '.repeat(1000));
    const coded = codeFrame(plain);
    for (const plainBytes of [plain.length - 1, plain.length + 1, 0]) {
      expect(() => decodeFrame(coded.method, coded.bytes, plainBytes)).toThrow(/damaged/);
    }
    expect(() => decodeFrame(FrameMethod.zstd, coded.bytes.subarray(0, 20), plain.length)).toThrow(/damaged/);
    expect(() => decodeFrame(FrameMethod.zstd, noiseOf(1, 50), plain.length)).toThrow(/damaged/);
  });

  it('does not decode without its dictionary', () => {
    const before = noiseOf(8, 100_000);
    const after = edited(before, 9000);
    const coded = codeFrame(after, before);
    expect(coded.method).toBe(FrameMethod.delta);
    const decoded = (dictionary?: Buffer): Buffer | undefined => {
      try {
        return decodeFrame(FrameMethod.delta, coded.bytes, after.length, dictionary);
      } catch {
        return undefined;
      }
    };
    expect(decoded(before)?.equals(after)).toBe(true);
    expect(decoded()?.equals(after)).not.toBe(true);
    expect(decoded(edited(before, 500))?.equals(after)).not.toBe(true);
  });
});
