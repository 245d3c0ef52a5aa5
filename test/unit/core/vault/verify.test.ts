import { readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entriesIn } from '../../../../src/core/vault/damage.ts';
import { FrameMethod } from '../../../../src/core/vault/frame.ts';
import { lockVault } from '../../../../src/core/vault/lock.ts';
import { decodeFrames, readFooter } from '../../../../src/core/vault/pack.ts';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import type { Vault } from '../../../../src/core/vault/vault.ts';
import { verify, type Verification } from '../../../../src/core/vault/verify.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import {
  buildVault,
  type BuiltVault,
  copyVault,
  edited,
  objectsIn,
  storeBackup,
} from '../../../build/vault.ts';

const TEXT = noiseOf(1, 30_000).toString('hex');
const FIRST = { 'a.bin': noiseOf(2, 300_000), 'b.txt': TEXT, 'c.txt': 'short' };
const SECOND = { ...FIRST, 'a.bin': edited(FIRST['a.bin'], 100_000), 'd.bin': noiseOf(3, 50_000) };

/** Runs an action while one bit of an object is flipped. */
async function withFlippedBit<T>(
  built: BuiltVault,
  name: string,
  byte: number,
  action: () => Promise<T>,
): Promise<T> {
  const file = join(built.directory, name);
  const bytes = readFileSync(file);
  const at = byte < 0 ? bytes.length + byte : byte;
  writeFileSync(file, flipped(bytes, at));
  try {
    return await action();
  } finally {
    writeFileSync(file, bytes);
  }
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = changed[at]! ^ (1 << (at % 8));
  return changed;
}

function damagedObjects({ damage }: Verification): string[] {
  return damage.map(({ object }) => object);
}

describe('verify', () => {
  let built: BuiltVault;
  let first: BackupRecord;
  let second: BackupRecord;
  beforeAll(async () => {
    built = await buildVault();
    first = await storeBackup(built.vault, FIRST);
    second = await storeBackup(built.vault, SECOND, { base: first });
    await built.vault.note({ backup: first.id, label: 'a label' });
  });
  afterAll(async () => built[Symbol.asyncDispose]());

  async function verifyFresh(level: 'quick' | 'data', options: Partial<Parameters<typeof verify>[1]> = {}) {
    return verify(await built.reopen(), { level, ...options });
  }

  it.each(['quick', 'data'] as const)(
    'finds nothing wrong in a vault that is whole, at level %s',
    async (level) => {
      const result = await verifyFresh(level);
      expect(result).toMatchObject({ level, damage: [], checked: { packs: 2, backups: 2 } });
      const index = await (await built.reopen()).index();
      expect(result.checked.chunks).toBe(index.chunkCount);
      const packBytes = objectsIn(built, 'packs').map(
        (name) => readFileSync(join(built.directory, name)).length,
      );
      expect(result.checked.bytes).toBe(packBytes[0]! + packBytes[1]!);
    },
  );

  it('notes which backups were read whole, and when', async () => {
    const before = new Date().toISOString();
    await verifyFresh('quick');
    await verifyFresh('data', { record: second });
    let { records } = await (await built.reopen()).records();
    expect(records.find(({ id }) => id === second.id)!.verifiedAt! >= before).toBe(true);
    await verifyFresh('data');
    ({ records } = await (await built.reopen()).records());
    for (const { verifiedAt } of records) expect(verifiedAt! >= before).toBe(true);
  });

  it.each([{ level: 'quick' }, { level: 'data' }, { level: 'data', isRead: () => true }] as const)(
    'notes where damage was found, until every byte is found right ($level)',
    async (options) => {
      await using copy = await copyVault(built);
      const fresh = async (): Promise<Vault> => copy.reopen();
      const noted = async () =>
        (await (await fresh()).records()).records.map(({ verifiedAt, damagedAt }) => [verifiedAt, damagedAt]);
      const whole = [expect.any(String) as string, undefined];
      await verify(await fresh(), { level: 'data' });
      expect(await noted()).toEqual([whole, whole]);
      const pack = objectsIn(copy, 'packs')[0]!;
      const file = join(copy.directory, pack);
      const bytes = readFileSync(file);
      // That a bit is flipped is seen by reading all, that the end is gone without.
      writeFileSync(file, options.level === 'quick' ? bytes.subarray(0, 200) : flipped(bytes, 100));
      const { damage } = await verify(await fresh(), options);
      writeFileSync(file, bytes);
      const { backups } = damage.find(({ object }) => object === pack)!;
      expect(backups).not.toEqual([]);
      // What did not read all says nothing of the rest, and takes nothing back.
      await prune(await fresh());
      for (const less of [{ level: 'quick' }, { level: 'data', samplePercent: 1 }] as const) {
        const { damage: found, known } = await verify(await fresh(), less);
        expect([found, known.map(({ backup }) => backup).sort()]).toEqual([[], backups.toSorted()]);
      }
      const { records } = await (await fresh()).records();
      for (const { id, verifiedAt, damagedAt } of records) {
        expect([verifiedAt === undefined, damagedAt !== undefined]).toEqual(
          Array(2).fill(backups.includes(id)),
        );
      }
      expect((await verify(await fresh(), { level: 'data' })).known).toEqual([]);
      expect(await noted()).toEqual([whole, whole]);
      expect((await verify(await fresh(), { level: 'quick' })).known).toEqual([]);
    },
  );

  describe('finds a flipped bit', () => {
    it('in vault.json', async () => {
      for (const byte of [0, 3, 5, 15, 40, 90, 150, -5]) {
        const result = await withFlippedBit(built, 'vault.json', byte, async () => verifyFresh('quick'));
        expect(damagedObjects(result)).toEqual(['vault.json']);
      }
    });

    it('in a key', async () => {
      await using other = await buildVault();
      await other.vault.addKey('recovery-key', { secret: Buffer.alloc(32, 1) });
      for (const name of objectsIn(other, 'keys')) {
        const length = readFileSync(join(other.directory, name)).length;
        for (let byte = 0; byte < length; byte += 37) {
          const result = await withFlippedBit(other, name, byte, async () =>
            verify(other.vault, { level: 'quick' }),
          );
          expect(damagedObjects(result)).toEqual([name]);
        }
      }
    });

    it.each(['backups', 'index', 'notes'])('in %s', async (folder) => {
      for (const name of objectsIn(built, folder)) {
        for (const byte of [0, 11, 12, 20, -17, -16, -1]) {
          const result = await withFlippedBit(built, name, byte, async () => verifyFresh('quick'));
          expect(damagedObjects(result)).toEqual([name]);
          if (folder === 'backups')
            expect(result.damage[0]!.backups).toEqual([name.slice('backups/'.length)]);
        }
      }
    });

    it('in the record of a forgotten backup', async () => {
      const { vault } = built;
      await vault.forget(first.id);
      try {
        const name = `forgotten/${first.id}`;
        const result = await withFlippedBit(built, name, 50, async () => verifyFresh('quick'));
        expect(damagedObjects(result)).toEqual([name]);
      } finally {
        await vault.unforget(first.id);
      }
    });

    it('in a lock, which holds until it is old', async () => {
      await using _lock = await lockVault(built.storage, 'shared', { purpose: 'a test' });
      const [name] = objectsIn(built, 'locks');
      const file = join(built.directory, name!);
      await withFlippedBit(built, name!, 40, async () => {
        await expect(lockVault(built.storage, 'shared', { purpose: 'another' })).rejects.toMatchObject({
          code: 'locked',
          message: expect.stringContaining(`${name!} is damaged`) as string,
        });
        utimesSync(file, 1, 1);
        expect((await verifyFresh('quick')).damage).toEqual([]);
        expect(objectsIn(built, 'locks')).toEqual([]);
      });
    });

    it.each(['quick', 'data'] as const)(
      'in the header, footer or trailer of a pack, at level %s',
      async (level) => {
        for (const name of objectsIn(built, 'packs')) {
          for (const byte of [0, 7, 8, 23, -1, -4, -5, -8, -9, -24, -25, -60]) {
            const result = await withFlippedBit(built, name, byte, async () => verifyFresh(level));
            // The index knows what is in the pack: nothing is lost.
            expect(result.damage).toEqual([
              expect.objectContaining({ object: name, pack: name.slice(9, -5), backups: [], paths: [] }),
            ]);
          }
        }
      },
    );

    it('in every frame of every pack, and names the backups, the paths, and the lists that are lost', async () => {
      const paths = new Set<string>();
      const lists = new Map<number, string[]>();
      for (const name of objectsIn(built, 'packs')) {
        const bytes = readFileSync(join(built.directory, name)).length;
        const pack = await readFooter(built.storage, built.vault.keys, name.slice(9, -5), bytes);
        for (const frame of decodeFrames(pack.listing)) {
          for (const byte of [frame.offset, frame.offset + 13, frame.offset + frame.sealedBytes - 1]) {
            const result = await withFlippedBit(built, name, byte, async () => verifyFresh('data'));
            expect(result.damage).toHaveLength(1);
            const [damage] = result.damage;
            expect(damage).toMatchObject({ object: name, pack: pack.id });
            expect(damage!.problems[0]).toMatch(/1 of its \d frames is damaged/);
            expect(damage!.backupCount).toBeGreaterThan(0);
            expect(damage!.paths.length + entriesIn(damage!.lists)).toBe(damage!.pathCount);
            for (const path of damage!.paths) paths.add(path);
            for (const { root, path, parts, entries } of damage!.lists) {
              expect([root, path, parts]).toEqual(['files/workspace', 'files/workspace', 1]);
              lists.set(entries, damage!.backups.toSorted());
            }
          }
        }
      }
      expect([...paths].sort()).toEqual(
        ['/a.bin', '/b.txt', '/c.txt', '/d.bin'].map((name) => `files/workspace${name}`),
      );
      // Each list with the folder itself; that of the second is stored against the first.
      expect([...lists.keys()].sort()).toEqual([4, 5]);
      expect(lists.get(5)).toContain(second.id);
    });
  });

  it('names what rests on a damaged frame as a delta, too', async () => {
    const index = await (await built.reopen()).index();
    const ids = await entryChunks(built, second, 'a.bin');
    const delta = Array.from(
      { length: ids.length / 32 },
      (_, at) => index.place(index.find(ids, at * 32)).frame,
    )
      .map((frame) => index.frame(frame))
      .find(({ method }) => method === FrameMethod.delta)!;
    const chunk = index.find(delta.dictionary, 0);
    const base = index.frame(index.place(chunk).frame);
    const name = `packs/${base.pack.slice(0, 2)}/${base.pack}.pack`;
    const result = await withFlippedBit(built, name, base.offset + 20, async () => verifyFresh('data'));
    expect(result.damage).toEqual([
      expect.objectContaining({
        object: name,
        backups: expect.arrayContaining([first.id, second.id]) as string[],
        paths: expect.arrayContaining(['files/workspace/a.bin']) as string[],
      }),
    ]);
  });

  it('verifies one backup and only what it needs', async () => {
    const index = await (await built.reopen()).index();
    const onlySecond = index.find(await entryChunks(built, second, 'd.bin'), 0);
    const { pack, offset } = index.frame(index.place(onlySecond).frame);
    const name = `packs/${pack.slice(0, 2)}/${pack}.pack`;
    await withFlippedBit(built, name, offset + 20, async () => {
      expect((await verifyFresh('data', { record: first })).damage).toEqual([]);
      expect((await verifyFresh('data', { record: second })).damage).toEqual([
        expect.objectContaining({ backups: [second.id], paths: ['files/workspace/d.bin'] }),
      ]);
      expect((await verifyFresh('quick')).damage).toEqual([]);
    });
    const one = await verifyFresh('data', { record: first });
    expect(one.checked).toMatchObject({ packs: 1, backups: 1 });
    await expect(verifyFresh('data', { record: { id: 'ab'.repeat(32) } })).rejects.toMatchObject({
      code: 'unknown-backup',
    });
  });

  it('reads a random share of the packs', async () => {
    const seen = new Set<number>();
    for (let round = 0; round < 12; round++) {
      const { checked } = await verifyFresh('data', { samplePercent: 10 });
      expect(checked.packs).toBe(1);
      seen.add(checked.bytes);
    }
    expect(seen.size).toBe(2);
    expect((await verifyFresh('data', { samplePercent: 100 })).checked.packs).toBe(2);
  });

  it('can be cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(verify(built.vault, { level: 'data' }, { signal: controller.signal })).rejects.toMatchObject(
      { code: 'cancelled' },
    );
  });

  it('tells a pack that is gone or cut short, with the backups and paths that have lost by it', async () => {
    for (const name of objectsIn(built, 'packs')) {
      const file = join(built.directory, name);
      const bytes = readFileSync(file);
      for (const length of [undefined, bytes.length - 1, 100, 0]) {
        if (length === undefined) rmSync(file);
        else truncateSync(file, length);
        for (const level of ['quick', 'data'] as const) {
          const { damage } = await verifyFresh(level);
          expect(damage.map(({ object }) => object)).toEqual([name]);
          expect(damage[0]!.problems).toEqual([
            length === undefined ? 'It is missing.' : `It has ${length} bytes instead of ${bytes.length}.`,
          ]);
          expect(damage[0]!.backups).toContain(second.id);
          expect(damage[0]!.pathCount).toBeGreaterThan(0);
        }
        writeFileSync(file, bytes);
      }
    }
  });

  it('is satisfied with footers where index files are missing', async () => {
    const names = objectsIn(built, 'index');
    const kept = names.map((name) => readFileSync(join(built.directory, name)));
    for (const name of names) rmSync(join(built.directory, name));
    expect((await verifyFresh('data')).damage).toEqual([]);
    for (const [number, name] of names.entries()) writeFileSync(join(built.directory, name), kept[number]!);
  });

  it('finds the vault whole again afterwards', async () => {
    expect((await verifyFresh('data')).damage).toEqual([]);
  });
});

async function entryChunks(built: BuiltVault, record: BackupRecord, path: string): Promise<Buffer> {
  for await (const entry of (await built.reopen()).entries(record, `files/workspace/${path}`)) {
    return Buffer.from(entry.chunks);
  }
  throw new Error(`no ${path}`);
}
