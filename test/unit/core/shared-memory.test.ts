import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyIntoShared, SharedMemory } from '../../../src/core/shared-memory.ts';

describe('copyIntoShared', () => {
  test('copies what there is to where it is asked to, and nothing else', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(bytes, fc.nat(50), fc.nat(50), (source, before, after) => {
        const target = Buffer.from(new SharedArrayBuffer(before + source.length + after)).fill(0xaa);
        copyIntoShared(target, source, before);
        const filler = (length: number): Buffer => Buffer.alloc(length, 0xaa);
        return Buffer.concat([filler(before), source, filler(after)]).equals(target);
      }),
    );
  });

  test('refuses what does not fit', () => {
    const target = Buffer.from(new SharedArrayBuffer(8));
    expect(() => {
      copyIntoShared(target, Buffer.alloc(5), 4);
    }).toThrow(RangeError);
    expect(target.every((byte) => byte === 0)).toBe(true);
  });
});

describe('SharedMemory', () => {
  test('gives what came back, up to as many pieces as it keeps', () => {
    const memory = new SharedMemory(64, 1);
    const [first, second] = [memory.take(10), memory.take(64)];
    expect([first.byteLength, second.byteLength]).toEqual([64, 64]);
    memory.giveBack(first);
    memory.giveBack(second);
    expect(memory.take(1)).toBe(first);
    expect(memory.take(1)).not.toBe(second);
  });

  test('makes a larger piece where one is needed, and does not keep it', () => {
    const memory = new SharedMemory(64);
    const large = memory.take(65);
    expect(large.byteLength).toBe(65);
    memory.giveBack(large);
    expect(memory.take(65)).not.toBe(large);
    expect(memory.take(1).byteLength).toBe(64);
  });
});
