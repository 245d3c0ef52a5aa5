import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUnchanged, type Stamp } from '../../../../src/core/source/change.ts';

const START = 1_700_000_000_000_000_000n;
const SECOND = 1_000_000_000n;

const longAgo = fc.bigInt(0n, START - 2n * SECOND - 1n);
const atRest: fc.Arbitrary<Stamp> = fc.record({
  type: fc.constantFrom('file', 'directory', 'link'),
  size: fc.nat(),
  mode: fc.nat(0o7777),
  mtimeNs: longAgo,
  ctimeNs: fc.oneof(longAgo, fc.constant(0n)),
  inode: fc.bigInt(0n, 2n ** 64n - 1n),
});

describe('a file', () => {
  it('is unchanged when nothing about it differs and it was at rest before the base', () => {
    fc.assert(
      fc.property(atRest, (stamp) => {
        expect(isUnchanged({ ...stamp }, stamp, START)).toBe(true);
      }),
    );
  });

  it('is changed when any one thing about it differs', () => {
    const key = fc.constantFrom('type', 'size', 'mode', 'mtimeNs', 'ctimeNs', 'inode');
    fc.assert(
      fc.property(atRest, atRest, key, (stamp, other, field) => {
        fc.pre(stamp[field] !== other[field]);
        const live = { ...stamp, [field]: other[field] };
        expect(isUnchanged(live, stamp, START)).toBe(false);
        expect(isUnchanged(stamp, live, START)).toBe(false);
      }),
    );
  });

  it('counts as changed when it was touched within two seconds of the start of the base, or later', () => {
    const recently = fc.bigInt(START - 2n * SECOND, START + 1000n * SECOND);
    fc.assert(
      fc.property(atRest, recently, fc.constantFrom('mtimeNs', 'ctimeNs'), (stamp, time, field) => {
        const touched = { ...stamp, [field]: time };
        expect(isUnchanged(touched, touched, START)).toBe(false);
      }),
    );
  });

  it('changed while the base was taken is seen, however coarsely its file system counts time', () => {
    const steps = fc.constantFrom(1n, 100n, 1000n, 4_000_000n, 10_000_000n, SECOND, 2n * SECOND);
    fc.assert(
      fc.property(atRest, steps, fc.bigInt(0n, 3600n * SECOND), (stamp, step, later) => {
        // Same size, same inode, and the time was already this when the base looked.
        const mtimeNs = ((START + later) / step) * step;
        const rewritten = { ...stamp, mtimeNs, ctimeNs: 0n };
        expect(isUnchanged(rewritten, rewritten, START)).toBe(false);
      }),
    );
  });

  it('is judged by size, mode and mtime where the file system knows neither inode nor ctime', () => {
    fc.assert(
      fc.property(atRest, (stamp) => {
        const poor = { ...stamp, inode: 0n, ctimeNs: 0n };
        expect(isUnchanged({ ...poor }, poor, START)).toBe(true);
        expect(isUnchanged({ ...poor, mtimeNs: poor.mtimeNs - 1n }, poor, START)).toBe(false);
      }),
    );
  });
});
