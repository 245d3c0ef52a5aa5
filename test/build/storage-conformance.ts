import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Storage } from '../../src/core/storage/storage.ts';

/** A storage to try: empty at first, and thrown away afterwards. */
export interface TriedStorage {
  readonly storage: Storage;
  /** The same place through another connection, as another process has it. */
  readonly again: () => Storage;
  readonly remove: () => Promise<void>;
}

const MIB = 1024 * 1024;

/** What every storage must do; `open` gives a fresh, empty one. */
export function storageConformance(what: string, open: () => Promise<TriedStorage>): void {
  describe(`${what} as a storage`, () => {
    let tried: TriedStorage;
    let storage: Storage;
    beforeAll(async () => {
      tried = await open();
      storage = tried.storage;
    });
    afterAll(async () => tried.remove());

    it('says where it is', () => {
      expect(storage.location).not.toBe('');
    });

    it('has nothing at first', async () => {
      expect(await storage.list('packs')).toEqual([]);
      expect(await storage.size('vault.json')).toBeUndefined();
    });

    it('gives back what was written, whole and in parts', async () => {
      const bytes = fc.uint8Array({ maxLength: 5000 });
      await fc.assert(
        fc.asyncProperty(fc.array(bytes, { maxLength: 4 }), fc.nat(), fc.nat(), async (parts, from, to) => {
          const whole = Buffer.concat(parts);
          await storage.write('packs/00/round-trip.pack', parts);
          expect(await storage.size('packs/00/round-trip.pack')).toBe(whole.length);
          expect((await storage.read('packs/00/round-trip.pack')).equals(whole)).toBe(true);
          const offset = from % (whole.length + 1);
          const length = to % (whole.length - offset + 1);
          const part = await storage.read('packs/00/round-trip.pack', { offset, length });
          expect(part.equals(whole.subarray(offset, offset + length))).toBe(true);
        }),
        { numRuns: 30 },
      );
    });

    it('keeps an object of thousands of parts, some of them empty', async () => {
      const parts = Array.from({ length: 5000 }, (_, at) => randomBytes(at % 3 === 0 ? 0 : at % 50));
      await storage.write('packs/00/many.pack', parts);
      expect(Buffer.concat(parts).equals(await storage.read('packs/00/many.pack'))).toBe(true);
    });

    it('keeps a large object', async () => {
      const bytes = randomBytes(20 * MIB + 1);
      await storage.write('packs/01/large.pack', [bytes.subarray(0, 7), bytes.subarray(7)]);
      expect((await tried.again().read('packs/01/large.pack')).equals(bytes)).toBe(true);
      const end = await storage.read('packs/01/large.pack', { offset: 20 * MIB, length: 1 });
      expect(end[0]).toBe(bytes[20 * MIB]);
    });

    it('gives a buffer that nobody else changes', async () => {
      await storage.write('notes/mine', [Buffer.from('mine')]);
      const [first, second] = await Promise.all([storage.read('notes/mine'), storage.read('notes/mine')]);
      first.fill(0);
      expect(second.toString()).toBe('mine');
    });

    it('replaces an object whole', async () => {
      await storage.write('vault.json', [Buffer.from('a longer first content')]);
      await storage.write('vault.json', [Buffer.from('short')]);
      expect((await storage.read('vault.json')).toString()).toBe('short');
    });

    it('says which object is missing', async () => {
      const missing = { code: 'missing', message: expect.stringContaining('no-such-object') as string };
      await expect(storage.read('packs/no-such-object')).rejects.toMatchObject(missing);
      await expect(storage.read('no-such-object', { offset: 0, length: 1 })).rejects.toMatchObject(missing);
      expect(await storage.size('packs/no-such-object')).toBeUndefined();
    });

    it('tells a part that reaches past the end', async () => {
      await storage.write('notes/ten', [Buffer.alloc(10)]);
      await expect(storage.read('notes/ten', { offset: 5, length: 6 })).rejects.toMatchObject({
        code: 'truncated',
      });
      await expect(storage.read('notes/ten', { offset: 11, length: 1 })).rejects.toMatchObject({
        code: 'truncated',
      });
      expect(await storage.read('notes/ten', { offset: 10, length: 0 })).toHaveLength(0);
    });

    it('lists what stands below a folder, and only that', async () => {
      const before = Date.now();
      await storage.write('backups/one', [Buffer.alloc(1)]);
      await storage.write('backups/aa/two', [Buffer.alloc(2)]);
      await storage.write('backups2/three', [Buffer.alloc(3)]);
      const listed = await tried.again().list('backups');
      const sizes = Object.fromEntries(listed.map(({ name, bytes }) => [name, bytes]));
      expect(sizes).toEqual({ 'backups/one': 1, 'backups/aa/two': 2 });
      for (const { modifiedMs } of listed) {
        expect(modifiedMs).toBeGreaterThan(before - 10_000);
        expect(modifiedMs).toBeLessThan(Date.now() + 10_000);
      }
    });

    it('shows a later time after an object was written again', async () => {
      await storage.write('locks/again', [Buffer.alloc(1)]);
      const [first] = await storage.list('locks');
      await new Promise((resolve) => setTimeout(resolve, 50));
      await storage.write('locks/again', [Buffer.alloc(1)]);
      const [second] = await storage.list('locks');
      expect(second!.modifiedMs).toBeGreaterThan(first!.modifiedMs);
      await storage.remove('locks/again');
    });

    it('removes an object, and does not mind a missing one', async () => {
      await storage.write('index/gone.idx', [Buffer.alloc(1)]);
      await storage.remove('index/gone.idx');
      await storage.remove('index/gone.idx');
      expect(await storage.size('index/gone.idx')).toBeUndefined();
      expect(await storage.list('index')).toEqual([]);
      await expect(storage.read('index/gone.idx')).rejects.toMatchObject({ code: 'missing' });
    });

    it('creates an object for exactly one of many', async () => {
      const storages = Array.from({ length: 8 }, () => tried.again());
      const created = await Promise.all(
        storages.map((one, number) => one.create('locks/one.json', Buffer.from(`holder ${number}`))),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      const winner = created.indexOf(true);
      expect((await storage.read('locks/one.json')).toString()).toBe(`holder ${winner}`);
      expect(await storage.create('locks/one.json', Buffer.from('late'))).toBe(false);
      await storage.remove('locks/one.json');
      expect(await storage.create('locks/one.json', Buffer.from('next'))).toBe(true);
      await storage.remove('locks/one.json');
    });

    it('shows no half-written object to others', async () => {
      const contents = [Buffer.alloc(3 * MIB, 'a'), Buffer.alloc(5 * MIB, 'b')];
      await storage.write('packs/02/both.pack', [contents[0]!]);
      const state = { writing: true };
      const writes = (async () => {
        for (let round = 1; round <= 10; round++) {
          await storage.write('packs/02/both.pack', [contents[round % 2]!]);
        }
        state.writing = false;
      })();
      const reader = tried.again();
      while (state.writing) {
        const read = await reader.read('packs/02/both.pack');
        expect(contents.some((content) => content.equals(read))).toBe(true);
      }
      await writes;
    });

    it('writes and removes many at once', async () => {
      const numbers = Array.from({ length: 40 }, (_, number) => number);
      await Promise.all(numbers.map((n) => storage.write(`packs/m${n % 4}/${n}.pack`, [Buffer.alloc(n)])));
      const listed = (await storage.list('packs')).filter(({ name }) => name.startsWith('packs/m'));
      expect(listed.map(({ bytes }) => bytes).sort((a, b) => a - b)).toEqual(numbers);
      await Promise.all(numbers.map((n) => storage.remove(`packs/m${n % 4}/${n}.pack`)));
      expect((await storage.list('packs')).some(({ name }) => name.startsWith('packs/m'))).toBe(false);
    });

    it('sweeps only what interrupted writes have left for long', async () => {
      await storage.write('notes/stays', [Buffer.from('stays')]);
      await storage.sweep(-60_000);
      expect((await storage.read('notes/stays')).toString()).toBe('stays');
      expect(await storage.list('tmp')).toEqual([]);
    });
  });
}
