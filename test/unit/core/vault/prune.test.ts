import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LocalStorage } from '../../../../src/core/storage/local.ts';
import { FrameMethod } from '../../../../src/core/vault/frame.ts';
import { lockVault } from '../../../../src/core/vault/lock.ts';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import type { Vault } from '../../../../src/core/vault/vault.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import {
  buildVault,
  type BuiltVault,
  type Content,
  copyVault,
  edited,
  objectsIn,
  readBackup,
  removeLocks,
  storeBackup,
} from '../../../build/vault.ts';

function text(seed: number, bytes: number): string {
  return noiseOf(seed, bytes / 2).toString('hex');
}

function bytesIn(built: BuiltVault): number {
  return objectsIn(built, '').reduce((sum, name) => sum + statSync(join(built.directory, name)).size, 0);
}

async function expectContent(vault: Vault, record: BackupRecord, content: Content): Promise<void> {
  const found = await readBackup(vault, record);
  expect(Object.keys(found).sort()).toEqual(Object.keys(content).sort());
  for (const [path, bytes] of Object.entries(content)) {
    expect(found[path]!.equals(Buffer.from(bytes)), path).toBe(true);
  }
}

describe('prune', () => {
  afterEach(() => vi.useRealTimers());

  it('changes nothing where all is needed, however often it runs', async () => {
    await using built = await buildVault();
    const content = { 'a.txt': text(1, 200_000), 'b.bin': noiseOf(2, 500_000) };
    const first = await storeBackup(built.vault, content);
    const second = await storeBackup(built.vault, { ...content, 'c.txt': 'new' }, { base: first });
    await prune(built.vault);
    const before = objectsIn(built, '');
    const result = await prune(built.vault);
    expect(result).toMatchObject({ freedBytes: 0, repackedBytes: 0, removedPacks: 0, removedBackups: [] });
    expect(objectsIn(built, '')).toEqual(before);
    await expectContent(await built.reopen(), first, content);
    await expectContent(await built.reopen(), second, { ...content, 'c.txt': 'new' });
  });

  it('frees what only forgotten backups needed, to the byte it tells', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const kept = { 'a.bin': noiseOf(1, 400_000) };
    const dropped = { 'b.bin': noiseOf(2, 3_000_000) };
    const first = await storeBackup(vault, kept);
    const second = await storeBackup(vault, dropped);
    await vault.forget(second.id);
    const before = bytesIn(built);
    const dry = await prune(vault, { dryRun: true });
    expect(bytesIn(built)).toBe(before);
    expect(dry.removedBackups).toEqual([second.id]);
    const result = await prune(vault);
    expect(result).toMatchObject({ removedPacks: 1, repackedPacks: 0, removedBackups: [second.id] });
    expect(result.freedBytes).toBe(before - bytesIn(built));
    expect(result.freedBytes).toBeGreaterThan(3_000_000);
    expect(Math.abs(dry.freedBytes - result.freedBytes)).toBeLessThan(5000);
    await expectContent(await built.reopen(), first, kept);
    await expect(vault.unforget(second.id)).rejects.toMatchObject({ code: 'missing' });
  });

  it('keeps what a forgotten backup shares with another', async () => {
    await using built = await buildVault();
    const shared = { 'a.bin': noiseOf(1, 400_000), 'b.txt': text(2, 50_000) };
    const first = await storeBackup(built.vault, { ...shared, 'gone.bin': noiseOf(3, 2_000_000) });
    const second = await storeBackup(built.vault, shared, { base: first });
    await built.vault.forget(first.id);
    const result = await prune(built.vault);
    expect(result).toMatchObject({ repackedPacks: 1 });
    expect(result.freedBytes).toBeGreaterThan(1_900_000);
    expect(result.repackedBytes).toBeGreaterThan(400_000);
    const again = await built.reopen();
    await expectContent(again, second, shared);
    expect(objectsIn(built, 'index')).toHaveLength(1);
    expect(await prune(again)).toMatchObject({ freedBytes: 0, repackedBytes: 0 });
  });

  it('can take a backup back until then', async () => {
    await using built = await buildVault();
    const content = { 'a.bin': noiseOf(1, 100_000) };
    const record = await storeBackup(built.vault, content);
    await built.vault.forget(record.id);
    expect((await built.vault.records()).records).toEqual([]);
    await built.vault.unforget(record.id);
    await prune(built.vault);
    await expectContent(await built.reopen(), record, content);
  });

  it('keeps the dictionaries of deltas whose base is forgotten, and the deltas as small as they are', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const base = { 'a.bin': noiseOf(1, 800_000), 'waste.bin': noiseOf(2, 3_000_000) };
    const first = await storeBackup(vault, base);
    const changed = { 'a.bin': edited(base['a.bin'], 300_000) };
    const second = await storeBackup(vault, changed, { base: first });
    const third = await storeBackup(vault, { 'a.bin': edited(changed['a.bin'], 600_000) }, { base: second });
    await vault.forget(first.id);
    const result = await prune(vault);
    expect(result.repackedPacks).toBe(1);
    expect(bytesIn(built)).toBeLessThan(1_000_000);
    const again = await built.reopen();
    await expectContent(again, second, changed);
    await expectContent(again, third, { 'a.bin': edited(changed['a.bin'], 600_000) });
    const index = await again.index();
    const methods = Array.from({ length: index.frameCount }, (_, frame) => index.frame(frame).method);
    expect(methods).toContain(FrameMethod.delta);
    expect(await prune(again)).toMatchObject({ freedBytes: 0, repackedBytes: 0 });
  });

  it('thins out frames of which only a part is needed, deltas too', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const names = Array.from({ length: 40 }, (_, number) => `file-${number}.bin`);
    const base = Object.fromEntries(names.map((name, number) => [name, noiseOf(number, 20_000)]));
    const first = await storeBackup(vault, base);
    const changed = Object.fromEntries(names.map((name) => [name, edited(base[name]!, 9000)]));
    const second = await storeBackup(vault, changed, { base: first });
    const few = Object.fromEntries([3, 17, 18].map((number) => [names[number]!, changed[names[number]!]!]));
    const third = await storeBackup(vault, few, { base: second });
    await vault.forget(first.id);
    await vault.forget(second.id);
    // The delta first, then what only its waste rested on.
    await prune(vault);
    await prune(vault);
    const again = await built.reopen();
    await expectContent(again, third, few);
    expect(bytesIn(built)).toBeLessThan(3 * 20_000 + 20_000);
    expect(await prune(again)).toMatchObject({ freedBytes: 0, repackedBytes: 0 });
  });

  it('removes what an interrupted backup has left', async () => {
    await using built = await buildVault();
    const content = { 'a.bin': noiseOf(1, 100_000) };
    const record = await storeBackup(built.vault, content);
    await storeBackup(built.vault, { 'b.bin': noiseOf(2, 900_000) }, { unfinished: true });
    for (const name of objectsIn(built, 'index')) rmSync(join(built.directory, name));
    const result = await prune(built.vault);
    expect(result.freedBytes).toBeGreaterThan(800_000);
    await expectContent(await built.reopen(), record, content);
    // The pack that stays is in an index file again.
    expect(objectsIn(built, 'index')).toHaveLength(1);
  });

  it('puts many small index files and notes together', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const records: BackupRecord[] = [];
    for (let number = 0; number < 5; number++) {
      records.push(await storeBackup(vault, { 'a.txt': `content ${number}` }));
      await vault.note({ backup: records[number]!.id, label: `label ${number}` });
      await vault.note(
        { backup: records[number]!.id, pinned: true },
        { backup: records[0]!.id, label: null },
      );
    }
    await vault.forget(records[4]!.id);
    const before = (await vault.records()).records;
    await prune(vault);
    expect(objectsIn(built, 'index')).toHaveLength(1);
    expect(objectsIn(built, 'notes')).toHaveLength(1);
    expect((await (await built.reopen()).records()).records).toEqual(before);
    expect(before.map(({ label }) => label)).toEqual(['label 3', 'label 2', 'label 1', undefined]);
  });

  it('refuses when a record cannot be read, and removes nothing', async () => {
    await using built = await buildVault();
    const first = await storeBackup(built.vault, { 'a.txt': 'a' });
    const second = await storeBackup(built.vault, { 'b.txt': 'b' });
    await built.vault.forget(second.id);
    await built.storage.write(`backups/${first.id}`, [Buffer.from('not a record')]);
    const before = objectsIn(built, '');
    await expect(prune(await built.reopen())).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringMatching(/^Nothing was pruned: .*record cannot be read/) as string,
      hint: expect.stringContaining('repair') as string,
    });
    expect(objectsIn(built, '')).toEqual(before);
  });

  it('refuses when a backup lacks content, a part of its manifest or what a delta rests on', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const content = { 'a.bin': noiseOf(1, 300_000) };
    const first = await storeBackup(vault, content);
    await storeBackup(vault, { 'a.bin': edited(content['a.bin'], 100_000) }, { base: first });
    const forgotten = await storeBackup(vault, { 'z.bin': noiseOf(9, 100_000) });
    await vault.forget(forgotten.id);
    const packs = objectsIn(built, 'packs');
    expect(packs).toHaveLength(3);
    const index = await vault.index();
    const spare = index.frame(index.place(index.find(forgotten.manifest[0]!.chunks, 0)).frame).pack;
    const needed = packs.filter((name) => !name.includes(spare));
    let refused = 0;
    for (const name of needed) {
      await using copy = await copyVault(built);
      rmSync(join(copy.directory, name));
      const before = objectsIn(copy, '');
      try {
        await prune(copy.vault);
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ code: 'damaged', hint: expect.stringContaining('repair') as string });
        expect(objectsIn(copy, '')).toEqual(before);
      }
    }
    expect(refused).toBe(2);
  });

  it('that slept while another took the vault removes nothing more', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const content = (number: number): Content => ({ 'a.bin': noiseOf(number, 100_000) });
    for (const number of [1, 2, 3, 4]) {
      const { id } = await storeBackup(vault, content(number));
      await vault.forget(id);
    }
    const waking = new LocalStorage(built.directory);
    const remove = waking.remove.bind(waking);
    const again: { record: BackupRecord; content: Content }[] = [];
    waking.remove = async (name) => {
      await remove(name);
      if (!name.startsWith('packs/') || again.length > 0) return;
      // The machine sleeps for an hour here.
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60 * 60_000 });
      removeLocks(built);
      await using lock = await lockVault(built.storage, 'shared', { purpose: 'a backup' });
      for (const number of [1, 2, 3, 4]) {
        const record = await storeBackup(await built.reopen(), content(number));
        again.push({ record, content: content(number) });
      }
      await lock.assertHeld();
    };
    await expect(prune(await built.reopen(waking))).rejects.toMatchObject({ code: 'locked' });
    vi.useRealTimers();
    expect(again).toHaveLength(4);
    for (const { record, content } of again) await expectContent(await built.reopen(), record, content);
  });

  it('waits for nobody in vain: a backup under way keeps it out', async () => {
    await using built = await buildVault();
    await using _lock = await lockVault(built.storage, 'shared', { purpose: 'a backup' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    await expect(prune(built.vault, {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await prune(built.vault, { dryRun: true });
  });
});
