import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../src/core/vault/entry.ts';
import {
  encodeEntry,
  EntryView,
  isAtRest,
  isSameButChunks,
  splitTime,
} from '../../../../src/core/vault/manifest-entry.ts';
import { ManifestCursor, ManifestWriter, readSegments } from '../../../../src/core/vault/manifest.ts';
import { comparePaths, isWithin } from '../../../../src/core/vault/order.ts';
import { ChunkWriter } from '../../../../src/core/vault/writer.ts';
import { WorkerPool } from '../../../../src/core/worker/pool.ts';
import { noiseOf, randomName } from '../../../build/random-tree.ts';
import { buildVault } from '../../../build/vault.ts';

const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const path = fc
  .array(randomName(true), { minLength: 1, maxLength: 4 })
  .map((names) => `files/${names.join('/')}`);

const entry: fc.Arbitrary<Entry> = fc.record({
  path,
  type: fc.constantFrom('file', 'directory', 'link', 'table', 'object'),
  size: fc.maxSafeNat(),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeNs: i64,
  ctimeNs: i64,
  inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  chunks: fc
    .array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 3 })
    .map((ids) => Buffer.concat(ids)),
  target: fc.option(path, { nil: undefined }),
  extra: fc.option(fc.record({ rows: fc.nat(), text: fc.string() }), { nil: undefined }),
});

/** Entries with different paths, in the order of a manifest. */
const entries = fc
  .uniqueArray(entry, { maxLength: 60, selector: (one) => one.path })
  .map((list) => list.toSorted((a, b) => comparePaths(a.path, b.path)));

function plainEntry(name: string, chunks: Buffer = Buffer.alloc(0)): Entry {
  return { path: name, type: 'file', size: 0, mode: 0o644, mtimeNs: 0n, ctimeNs: 0n, inode: 0n, chunks };
}

async function collect(views: AsyncIterable<EntryView>): Promise<Entry[]> {
  const list: Entry[] = [];
  for await (const view of views) list.push({ ...view.toEntry(), chunks: Buffer.from(view.chunks) });
  return list;
}

describe('an entry', () => {
  it('comes back from its bytes, wherever they stand', () => {
    fc.assert(
      fc.property(entry, fc.nat(50), (one, before) => {
        const bytes = Buffer.concat([Buffer.alloc(before, 0xee), encodeEntry(one), Buffer.alloc(9, 0xee)]);
        const view = new EntryView(bytes, before);
        expect(view.toEntry()).toEqual(one);
        expect(view.end).toBe(bytes.length - 9);
        expect(view.encoded.equals(encodeEntry(one))).toBe(true);
      }),
    );
  });

  it('is the same as another but for the chunks exactly when all else is', () => {
    const changes = fc.option(
      fc.record(
        { size: fc.nat(), mode: fc.nat(0o7777), mtimeNs: i64, inode: fc.constant(5n), target: path, path },
        { requiredKeys: [] },
      ),
      { nil: {} },
    );
    fc.assert(
      fc.property(entry, changes, fc.nat(9), (one, change, before) => {
        const other = { ...one, ...change, chunks: Buffer.alloc(64, 1) };
        const bytes = Buffer.concat([Buffer.alloc(before), encodeEntry({ ...one, chunks: Buffer.alloc(0) })]);
        const isSame = encodeEntry({ ...other, chunks: one.chunks }).equals(encodeEntry(one));
        expect(isSameButChunks(bytes, before, encodeEntry(other), 0)).toBe(isSame);
      }),
    );
  });

  it('is at rest when both of its times are before a moment', () => {
    const near = fc.bigInt({ min: -3n, max: 3n });
    fc.assert(
      fc.property(entry, i64, near, near, (one, since, m, c) => {
        fc.pre(since > -(2n ** 62n) && since < 2n ** 62n);
        const moved = { ...one, mtimeNs: since + m, ctimeNs: since + c };
        expect(isAtRest(encodeEntry(moved), 0, splitTime(since))).toBe(m < 0n && c < 0n);
        const isBefore = one.mtimeNs < since && one.ctimeNs < since;
        expect(isAtRest(encodeEntry(one), 0, splitTime(since))).toBe(isBefore);
      }),
    );
  });

  it('is found damaged when it does not fit', () => {
    const bytes = encodeEntry(plainEntry('files/a'));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => new EntryView(bytes.subarray(0, length), 0)).toThrow(/damaged/);
    }
  });
});

describe('a manifest', () => {
  it('gives back its entries, whole and below a path, as its cursor does', async () => {
    await using built = await buildVault();
    const { vault } = built;
    await using pool = new WorkerPool(1);
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(), async (list, pick) => {
        const { index, adopted } = await vault.writableIndex();
        const writer = new ChunkWriter(vault, index, pool, { selfContained: true, dryRun: false }, adopted);
        const manifest = new ManifestWriter(writer, 'files', undefined);
        for (const one of list) manifest.add(one);
        const segment = manifest.finish();
        await writer.finish();
        vault.forgetIndex();
        expect(segment.entries).toBe(list.length);
        expect(await collect(vault.entries({ manifest: [segment] }))).toEqual(list);

        const under =
          list.length === 0 ? 'files/x' : list[pick % list.length]!.path.split('/').slice(0, 2).join('/');
        const expected = list.filter((one) => isWithin(one.path, under));
        expect(await collect(vault.entries({ manifest: [segment] }, under))).toEqual(expected);

        const fresh = await vault.index();
        const cursor = new ManifestCursor(segment, (id) => vault.reader.readChunk(id, fresh));
        const walked: string[] = [];
        for (;;) {
          if (cursor.needsLoad) await cursor.load();
          if (cursor.current === undefined) break;
          walked.push(cursor.current.path);
          cursor.advance();
        }
        expect(walked).toEqual(list.map((one) => one.path));
      }),
      { numRuns: 25 },
    );
  });

  it('takes entries only in order', async () => {
    await using built = await buildVault();
    await using pool = new WorkerPool(1);
    const { index } = await built.vault.writableIndex();
    const writer = new ChunkWriter(built.vault, index, pool, { selfContained: true, dryRun: true });
    const manifest = new ManifestWriter(writer, 'files', undefined);
    manifest.add(plainEntry('files/b'));
    expect(() => manifest.add(plainEntry('files/a'))).toThrow(RangeError);
    expect(() => manifest.add(plainEntry('files/b'))).toThrow(RangeError);
    await writer.settle();
  });

  it('of a large workspace is stored again only where it changed, and read only where it is asked', async () => {
    await using built = await buildVault();
    const { vault } = built;
    await using pool = new WorkerPool(1);
    const names = Array.from(
      { length: 20_000 },
      (_, number) => `files/w/${String(number).padStart(6, '0')}.php`,
    );
    const write = async (
      changed: string | undefined,
      base: Awaited<ReturnType<ManifestWriter['finish']>> | undefined,
    ) => {
      const { index, adopted } = await vault.writableIndex();
      const writer = new ChunkWriter(
        vault,
        index,
        pool,
        { selfContained: base === undefined, dryRun: false },
        adopted,
      );
      const manifest = new ManifestWriter(writer, 'files/w', base);
      for (const name of names) manifest.add(plainEntry(name, noiseOf(name === changed ? 1 : 2, 32)));
      const segment = manifest.finish();
      await writer.finish();
      vault.forgetIndex();
      return { segment, stored: writer.written.stored };
    };
    const first = await write(undefined, undefined);
    const second = await write(names[12_345], first.segment);
    expect(second.stored).toBeLessThan(first.stored / 20);
    const ids = (chunks: Buffer): string[] => chunks.toString('hex').match(/.{64}/g)!;
    const known = new Set(ids(first.segment.chunks));
    expect(ids(second.segment.chunks).filter((one) => !known.has(one))).toHaveLength(1);

    let chunksRead = 0;
    const index = await vault.index();
    const read = async (id: Buffer): Promise<Buffer> => {
      chunksRead++;
      return vault.reader.readChunk(id, index);
    };
    const found = await collect(readSegments([second.segment], read, names[12_345]));
    expect(found.map((one) => one.path)).toEqual([names[12_345]]);
    expect(chunksRead).toBeLessThanOrEqual(2);
  });

  it('holds an entry with more chunks than a frame has room for, and its changed successor', async () => {
    await using built = await buildVault();
    const { vault } = built;
    await using pool = new WorkerPool(1);
    const before = noiseOf(1, 32 * 150_000);
    const after = Buffer.from(before);
    after.fill(7, 32 * 70_000, 32 * 70_010);
    let base: Awaited<ReturnType<ManifestWriter['finish']>> | undefined;
    const stored: number[] = [];
    for (const chunks of [before, after]) {
      const { index, adopted } = await vault.writableIndex();
      const writer = new ChunkWriter(
        vault,
        index,
        pool,
        { selfContained: base === undefined, dryRun: false },
        adopted,
      );
      const manifest = new ManifestWriter(writer, 'files/w', base);
      manifest.add(plainEntry('files/w/large.table', chunks));
      manifest.add(plainEntry('files/w/small.table'));
      base = manifest.finish();
      await writer.finish();
      stored.push(writer.written.stored);
      vault.forgetIndex();
      const [large, small] = await collect(vault.entries({ manifest: [base] }));
      expect(large!.chunks.equals(chunks)).toBe(true);
      expect(small!.path).toBe('files/w/small.table');
    }
    expect(stored[1]).toBeLessThan(stored[0]! / 100);
  });
});
