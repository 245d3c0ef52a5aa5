import fc from 'fast-check';
import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../../../src/core/restore/disk.ts';
import { fileTime, isReachable, isSameTime } from '../../../../src/core/restore/file-time.ts';
import { temporaryFolder } from '../../../build/tree.ts';

const folder = temporaryFolder();
const file = join(folder.path, 'file');
writeFileSync(file, '');
afterAll(async () => folder[Symbol.asyncDispose]());

/** What the file has after its time was set. */
function reached(mtimeNs: bigint): bigint {
  nodeDisk().setTime(file, fileTime(mtimeNs));
  return lstatSync(file, { bigint: true }).mtimeNs;
}

const anyTime = fc.oneof(
  fc.bigInt(1_000_000_000_000_000_000n, 4_000_000_000_000_000_000n),
  fc.bigInt(-200_000_000_000_000n, 10_000_000_000n),
  fc.bigInt(0n, 4_000_000_000n).map((seconds) => seconds * 1_000_000_000n),
);

// Other systems count in steps of their own.
describe.runIf(process.platform === 'linux')('a time given to Node', () => {
  it('comes nearer than a microsecond, and exactly where that is promised', () => {
    fc.assert(
      fc.property(anyTime, (mtimeNs) => {
        const is = reached(mtimeNs);
        expect(isSameTime(is, mtimeNs)).toBe(true);
        expect(is === mtimeNs).toBe(isReachable(mtimeNs));
      }),
      { numRuns: 2000 },
    );
  });

  it('once set is set exactly again', () => {
    fc.assert(
      fc.property(anyTime, (mtimeNs) => {
        const is = reached(mtimeNs);
        expect(isReachable(is)).toBe(true);
        expect(reached(is)).toBe(is);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('two times', () => {
  const OUT_OF_REACH = 1_600_000_000_123_456_789n;

  it('are the same when less than a microsecond apart, where nearer cannot be promised', () => {
    expect(isReachable(OUT_OF_REACH)).toBe(false);
    expect(isSameTime(OUT_OF_REACH + 999n, OUT_OF_REACH)).toBe(true);
    expect(isSameTime(OUT_OF_REACH - 999n, OUT_OF_REACH)).toBe(true);
    expect(isSameTime(OUT_OF_REACH + 1000n, OUT_OF_REACH)).toBe(false);
    expect(isSameTime(OUT_OF_REACH - 1000n, OUT_OF_REACH)).toBe(false);
  });

  it('are the same only when they are, where that can be reached', () => {
    expect(isSameTime(1n, 1n)).toBe(true);
    expect(isSameTime(0n, 1n)).toBe(false);
    expect(isSameTime(1n, 0n)).toBe(false);
  });
});
