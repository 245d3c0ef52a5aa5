import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { indexOf } from '../../../../src/core/vault/bad-frames.ts';
import { FrameMethod } from '../../../../src/core/vault/frame.ts';
import { ChunkIndex } from '../../../../src/core/vault/index.ts';
import { encodeFrames, type FrameEntry, type ListedPack } from '../../../../src/core/vault/pack.ts';

const NOTHING = Buffer.alloc(0);

function idOf(name: string | number): Buffer {
  return createHash('sha256').update(String(name)).digest();
}

interface FrameSpec {
  readonly chunks: readonly (string | number)[];
  /** For a delta frame: its dictionary, and for each chunk the range of it. */
  readonly against?: readonly (string | number)[];
  readonly ranges?: readonly (readonly [from: number, count: number])[];
}

function packOf(name: string, ...specs: FrameSpec[]): ListedPack {
  let offset = 24;
  const frames = specs.map(({ chunks, against, ranges }): FrameEntry => {
    const entry: FrameEntry = {
      offset,
      sealedBytes: 1000,
      plainBytes: chunks.length * 10,
      method: against === undefined ? FrameMethod.zstd : FrameMethod.delta,
      dictionary: Buffer.concat((against ?? []).map(idOf)),
      chunks: chunks.map((chunk, number) => ({
        id: idOf(chunk),
        bytes: 10,
        dictionaryFrom: ranges?.[number]?.[0] ?? 0,
        dictionaryCount: ranges?.[number]?.[1] ?? 0,
      })),
    };
    offset += 1000;
    return entry;
  });
  return {
    id: idOf(name).toString('hex'),
    salt: Buffer.alloc(16, name),
    bytes: offset,
    listing: encodeFrames(frames),
  };
}

describe('the index', () => {
  it('finds every chunk where its pack has it, and no other', () => {
    const index = new ChunkIndex();
    const names = Array.from({ length: 6_000 }, (_, number) => number);
    for (let at = 0; at < names.length; at += 300) {
      index.addPack(
        packOf(
          `pack ${at}`,
          { chunks: names.slice(at, at + 100) },
          { chunks: names.slice(at + 100, at + 300) },
        ),
      );
    }
    expect(index.chunkCount).toBe(names.length);
    for (const name of names) {
      const chunk = index.find(idOf(name), 0);
      const { frame, offset, bytes } = index.place(chunk);
      const inPack = name % 300;
      expect(index.idOf(chunk).equals(idOf(name))).toBe(true);
      expect({ offset, bytes }).toEqual({ offset: (inPack < 100 ? inPack : inPack - 100) * 10, bytes: 10 });
      const place = index.frame(frame);
      expect(place.pack).toBe(idOf(`pack ${name - inPack}`).toString('hex'));
      expect(place.offset).toBe(inPack < 100 ? 24 : 1024);
    }
    for (let name = 0; name < 300; name++) expect(index.find(idOf(`other ${name}`), 0)).toBe(-1);
  });

  it('takes at most 64 bytes a chunk', () => {
    // Frames of four chunks, which is what large files make; the count is just past a growth of the table.
    for (const count of [30_000, 50_000, 100_000]) {
      const index = new ChunkIndex();
      for (let at = 0; at < count; at += 64) {
        const frames = Array.from({ length: 16 }, (_, frame) => ({
          chunks: Array.from({ length: 4 }, (_, chunk) => at + frame * 4 + chunk),
        }));
        index.addPack(packOf(`pack ${at}`, ...frames));
      }
      expect(index.memoryBytes / index.chunkCount).toBeLessThanOrEqual(64);
    }
  });

  it('keeps the first place of a chunk that stands alone', () => {
    const index = new ChunkIndex();
    index.addPack(packOf('one', { chunks: ['a'] }));
    index.addPack(packOf('two', { chunks: ['a', 'b'] }));
    expect(index.frame(index.place(index.find(idOf('a'), 0)).frame).pack).toBe(idOf('one').toString('hex'));
    expect(index.chunkCount).toBe(2);
  });

  it.each([true, false])('prefers a place where a chunk stands alone (delta first: %s)', (deltaFirst) => {
    const index = new ChunkIndex();
    const delta = packOf('delta', { chunks: ['b'], against: ['a'], ranges: [[0, 1]] });
    const fresh = packOf('fresh', { chunks: ['a', 'b'] });
    for (const pack of deltaFirst ? [delta, fresh] : [fresh, delta]) index.addPack(pack);
    const chunk = index.find(idOf('b'), 0);
    expect(index.isDelta(chunk)).toBe(false);
    expect(index.place(chunk)).toMatchObject({ offset: 10 });
    expect(index.dictionaryFor(idOf('b'), 0, 100).equals(idOf('b'))).toBe(true);
  });

  it('gives the chunks a delta rests on as dictionary for its successor', () => {
    const index = new ChunkIndex();
    const against = ['a', 'b', 'c'];
    index.addPack(
      packOf('delta', {
        chunks: ['x', 'y'],
        against,
        ranges: [
          [0, 1],
          [1, 2],
        ],
      }),
    );
    // Its dictionary is not known yet, so it serves nobody.
    expect(index.dictionaryFor(idOf('y'), 0, 100)).toHaveLength(0);
    index.addPack(packOf('base', { chunks: against }));
    expect(index.dictionaryFor(idOf('x'), 0, 100).equals(idOf('a'))).toBe(true);
    expect(index.dictionaryFor(idOf('y'), 0, 100).equals(Buffer.concat([idOf('b'), idOf('c')]))).toBe(true);
    expect(index.dictionaryFor(idOf('y'), 0, 0)).toHaveLength(0);
    expect(index.dictionaryFor(idOf('nobody'), 0, 100)).toHaveLength(0);
  });

  it('does not take a chunk that only serves in a dictionary for one it has', () => {
    const index = new ChunkIndex();
    index.addPack(packOf('delta', { chunks: ['x'], against: ['a'], ranges: [[0, 1]] }));
    expect(index.chunkCount).toBe(1);
    expect(index.find(idOf('a'), 0)).toBe(-1);
    const frame = index.frame(index.place(index.find(idOf('x'), 0)).frame);
    expect(frame.dictionary.equals(idOf('a'))).toBe(true);
    index.addPack(packOf('base', { chunks: ['a'] }));
    expect(index.find(idOf('a'), 0)).toBeGreaterThanOrEqual(0);
    expect(index.chunkCount).toBe(2);
  });

  it('forgets what cannot be decoded any more, and what rests on that in turn', () => {
    const index = new ChunkIndex();
    index.addPack(
      packOf('deltas', { chunks: ['x', 'y'], against: ['a'] }, { chunks: ['z'], against: ['x'] }),
    );
    index.addPack(packOf('whole', { chunks: ['b'] }, { chunks: ['c'], against: ['b'], ranges: [[0, 1]] }));
    index.dropUndecodable();
    for (const name of ['a', 'x', 'y', 'z']) expect(index.find(idOf(name), 0)).toBe(-1);
    for (const name of ['b', 'c']) expect(index.find(idOf(name), 0)).toBeGreaterThanOrEqual(0);
    expect(index.chunkCount).toBe(2);
    // What is lost is stored again.
    index.addPack(packOf('again', { chunks: ['x'] }));
    expect(index.find(idOf('x'), 0)).toBeGreaterThanOrEqual(0);
    expect(index.chunkCount).toBe(3);
  });

  it('looks for chunks where they can be read, also for those that rest on others', () => {
    const base = packOf('base', { chunks: ['a'] }, { chunks: ['b'] });
    const delta = packOf(
      'delta',
      { chunks: ['x', 'y'], against: ['a'], ranges: [[0, 1]] },
      { chunks: ['z'], against: ['b'], ranges: [[0, 1]] },
    );
    const again = packOf('again', { chunks: ['x'], against: ['b'], ranges: [[0, 1]] });
    const bad = new Map([[base.id, new Set([24])]]);
    for (const packs of [
      [base, delta, again],
      [again, delta, base],
    ]) {
      const index = indexOf(packs, bad);
      const packOfChunk = (name: string): string =>
        index.frame(index.place(index.find(idOf(name), 0)).frame).pack;
      const isTrusted = (name: string): boolean => index.isTrusted(index.find(idOf(name), 0));
      // What stands nowhere else is still found, but nothing new is to rest on it.
      expect(['a', 'b', 'x', 'y', 'z'].map(isTrusted)).toEqual([false, true, true, false, true]);
      expect(packOfChunk('x')).toBe(again.id);
      expect(index.dictionaryFor(idOf('a'), 0, 100)).toHaveLength(0);
      expect(index.dictionaryFor(idOf('y'), 0, 100)).toHaveLength(0);
      expect(index.dictionaryFor(idOf('x'), 0, 100).equals(idOf('b'))).toBe(true);
      const frame = index.openFrame();
      index.addChunk(idOf('a'), frame, 0, 10);
      expect(isTrusted('a')).toBe(true);
    }
    const whole = packOf('whole', { chunks: ['a'] });
    for (const packs of [
      [base, delta, whole],
      [whole, delta, base],
    ]) {
      const index = indexOf(packs, bad);
      for (const name of ['a', 'b', 'x', 'y', 'z'])
        expect(index.isTrusted(index.find(idOf(name), 0))).toBe(true);
      expect(index.frame(index.place(index.find(idOf('a'), 0)).frame).pack).toBe(whole.id);
    }
  });

  it('follows a frame from open to its pack', () => {
    const index = new ChunkIndex();
    const frame = index.openFrame();
    index.addChunk(idOf('a'), frame, 5, 7);
    expect(index.frame(frame).pack).toBe('');
    const entry = {
      offset: 24,
      sealedBytes: 9,
      plainBytes: 12,
      method: FrameMethod.raw,
      dictionary: NOTHING,
    };
    index.closeFrame(frame, { id: '', salt: NOTHING, bytes: 0 }, entry);
    expect(index.frame(frame).pack).toBe('');
    index.closeFrame(frame, { id: 'ab', salt: Buffer.alloc(16), bytes: 100 }, entry);
    expect(index.frame(frame)).toMatchObject({ pack: 'ab', offset: 24 });
    expect(index.place(index.find(idOf('a'), 0))).toEqual({ frame, offset: 5, bytes: 7 });
  });
});
