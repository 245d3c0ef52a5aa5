import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeIndexFile, encodeIndexFile } from '../../../../src/core/vault/index-file.ts';
import { FrameMethod } from '../../../../src/core/vault/frame.ts';
import {
  decodeFrames,
  encodeFrames,
  type FrameEntry,
  PackBuilder,
  packPosition,
} from '../../../../src/core/vault/pack.ts';
import { deriveKeys, open } from '../../../../src/core/vault/seal.ts';

const keys = deriveKeys(Buffer.alloc(32, 1), Buffer.alloc(16, 2));

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u16 = fc.integer({ min: 0, max: 0xffff });

const frame: fc.Arbitrary<FrameEntry> = fc.constantFrom(...Object.values(FrameMethod)).chain((method) => {
  const isDelta = method === FrameMethod.delta;
  const range = isDelta ? u16 : fc.constant(0);
  return fc.record({
    offset: u32,
    sealedBytes: u32,
    plainBytes: u32,
    method: fc.constant(method),
    dictionary: fc.array(id, { maxLength: isDelta ? 5 : 0 }).map((ids) => Buffer.concat(ids)),
    chunks: fc.array(fc.record({ id, bytes: u32, dictionaryFrom: range, dictionaryCount: range }), {
      maxLength: 6,
    }),
  });
});
const frames = fc.array(frame, { maxLength: 5 });

describe('a list of frames', () => {
  it('comes back from its bytes', () => {
    fc.assert(
      fc.property(frames, (list) => {
        expect(decodeFrames(encodeFrames(list))).toEqual(list);
      }),
    );
  });

  it('is found damaged when it ends too early, goes on too long or names an unknown method', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (list, cut) => {
        const bytes = encodeFrames(list);
        expect(() => decodeFrames(bytes.subarray(0, cut % bytes.length))).toThrow(/damaged/);
        expect(() => decodeFrames(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(/damaged/);
      }),
    );
    const unknown = { offset: 0, sealedBytes: 0, plainBytes: 0, dictionary: Buffer.alloc(0), chunks: [] };
    expect(() => decodeFrames(encodeFrames([{ ...unknown, method: 3 as FrameMethod }]))).toThrow(/damaged/);
  });
});

describe('a pack', () => {
  const content = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 });
  const plainFrame = { plainBytes: 0, method: FrameMethod.raw, dictionary: Buffer.alloc(0), chunks: [] };

  it('holds its frames where it says, each bound to its place, and is named by its bytes', () => {
    fc.assert(
      fc.property(content, (codeds) => {
        const builder = new PackBuilder(keys);
        for (const coded of codeds) builder.add(coded, { ...plainFrame, plainBytes: coded.length });
        const { pack, parts } = builder.finish();
        const bytes = Buffer.concat(parts);
        expect(bytes).toHaveLength(pack.bytes);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(pack.id);
        for (const [number, entry] of pack.frames.entries()) {
          const sealed = bytes.subarray(entry.offset, entry.offset + entry.sealedBytes);
          const position = packPosition(pack.salt, entry.offset);
          expect(open(keys, 'frame', position, sealed).equals(codeds[number]!)).toBe(true);
          const elsewhere = packPosition(pack.salt, entry.offset + 1);
          expect(() => open(keys, 'frame', elsewhere, sealed)).toThrow(/damaged/);
          expect(() => open(keys, 'footer', position, sealed)).toThrow(/damaged/);
        }
      }),
    );
  });

  it('never has the bytes of another with the same content', () => {
    const one = new PackBuilder(keys);
    const two = new PackBuilder(keys);
    for (const builder of [one, two]) builder.add(Buffer.from('same'), { ...plainFrame, plainBytes: 4 });
    expect(one.finish().pack.id).not.toBe(two.finish().pack.id);
  });
});

describe('an index file', () => {
  const pack = fc.record({
    id: id.map((bytes) => bytes.toString('hex')),
    salt: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
    bytes: fc.maxSafeNat(),
    listing: frames.map(encodeFrames),
  });

  it('comes back from its bytes, and is named by them', () => {
    fc.assert(
      fc.property(fc.array(pack, { maxLength: 4 }), (packs) => {
        const { name, bytes } = encodeIndexFile(keys, packs);
        expect(name).toBe(`index/${createHash('sha256').update(bytes).digest('hex')}.idx`);
        expect(decodeIndexFile(keys, bytes)).toEqual(packs);
      }),
    );
  });

  it('does not open in another vault or under another key', () => {
    const { bytes } = encodeIndexFile(keys, []);
    const other = deriveKeys(Buffer.alloc(32, 1), randomBytes(16));
    expect(() => decodeIndexFile(other, bytes)).toThrow(/damaged/);
    expect(() => decodeIndexFile(deriveKeys(randomBytes(32), keys.vaultId), bytes)).toThrow(/damaged/);
  });
});
