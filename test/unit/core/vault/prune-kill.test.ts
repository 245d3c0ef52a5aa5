import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import type { Vault } from '../../../../src/core/vault/vault.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { type Death, DEATHS, FaultyStorage, Killed } from '../../../build/faulty-storage.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import {
  buildVault,
  type BuiltVault,
  type Content,
  copyVault,
  edited,
  readBackup,
  removeLocks,
  storeBackup,
} from '../../../build/vault.ts';

const noise = (seed: number, bytes: number): Buffer => noiseOf(seed, bytes);
const BASE = { 'a.bin': noise(1, 200_000), 'b.bin': noise(2, 90_000), 'waste.bin': noise(3, 400_000) };
const CHANGED = { 'a.bin': edited(BASE['a.bin'], 100_000), 'b.bin': BASE['b.bin'], 'c.txt': 'new' };
const LATER = { 'a.bin': edited(CHANGED['a.bin'], 50_000), 'd.bin': noise(4, 60_000) };
const GONE = { 'z.bin': noise(5, 250_000) };

async function expectBackups(vault: Vault, expected: ReadonlyMap<string, Content>): Promise<void> {
  const { records, damaged } = await vault.records();
  expect(damaged).toEqual([]);
  expect(records.map(({ id }) => id).sort()).toEqual([...expected.keys()].sort());
  for (const record of records) {
    const found = await readBackup(vault, record);
    const content = expected.get(record.id)!;
    expect(Object.keys(found).sort()).toEqual(Object.keys(content).sort());
    for (const [path, bytes] of Object.entries(content)) {
      expect(found[path]!.equals(Buffer.from(bytes)), path).toBe(true);
    }
  }
}

async function expectNoDamage(vault: Vault): Promise<void> {
  expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
}

describe('a prune or forget that is killed at any change', () => {
  let template: BuiltVault;
  const expected = new Map<string, Content>();
  let toForget: BackupRecord;
  let prunes = 0;
  let forgets = 0;

  beforeAll(async () => {
    template = await buildVault();
    const { vault } = template;
    const base = await storeBackup(vault, BASE);
    const changed = await storeBackup(vault, CHANGED, { base });
    const later = await storeBackup(vault, LATER, { base: changed });
    const gone = await storeBackup(vault, GONE);
    await storeBackup(vault, { 'left.bin': noise(6, 80_000) }, { unfinished: true });
    for (const [number, { id }] of [changed, later, base].entries()) {
      await vault.note({ backup: id, label: `label ${number}` });
    }
    await vault.forget(base.id);
    await vault.forget(gone.id);
    expected.set(changed.id, CHANGED);
    expected.set(later.id, LATER);
    toForget = later;
    prunes = await countChanges(async (copy) => prune(copy).then(() => undefined));
    forgets = await countChanges(async (copy) => copy.forget(toForget.id));
  });
  afterAll(async () => template[Symbol.asyncDispose]());

  async function countChanges(action: (vault: Vault) => Promise<void>): Promise<number> {
    await using copy = await copyVault(template);
    const storage = new FaultyStorage(copy.storage);
    await action(await copy.reopen(storage));
    return storage.changes;
  }

  async function killed(
    copy: BuiltVault,
    at: number,
    death: Death,
    action: (vault: Vault) => Promise<unknown>,
  ) {
    const storage = new FaultyStorage(copy.storage, at, death);
    const dying = await copy.reopen(storage);
    await expect(action(dying)).rejects.toSatisfy(isDeath);
    removeLocks(copy);
  }

  it('has something to be killed in', () => {
    // A lock, two forgotten records, new packs, an index, old indexes, old packs, notes, a sweep, the lock.
    expect(prunes).toBeGreaterThan(15);
    expect(forgets).toBe(2);
  });

  it.each(DEATHS)(
    'leaves every backup whole, and the next backup and prune work (killed %s)',
    async (death) => {
      for (let at = 1; at <= prunes; at++) {
        await using copy = await copyVault(template);
        // Dying after the lock was given back is not dying.
        if (at === prunes && death === 'after') continue;
        await killed(copy, at, death, prune);
        const vault = await copy.reopen();
        await expectBackups(vault, expected);

        const next = { ...CHANGED, 'a.bin': edited(CHANGED['a.bin'], 150_000), 'z.bin': GONE['z.bin'] };
        const { records } = await vault.records();
        const added = await storeBackup(vault, next, { base: records[0] });
        const after = new Map([...expected, [added.id, next]]);
        await expectBackups(vault, after);
        await prune(vault);
        await expectBackups(vault, after);
        expect(await prune(vault)).toMatchObject({ freedBytes: 0, repackedBytes: 0 });
        expect((await vault.records()).records.map(({ label }) => label).sort()).toEqual([
          'label 0',
          'label 1',
          undefined,
        ]);
      }
    },
    600_000,
  );

  it.each(DEATHS)(
    'can be killed again and again (%s)',
    async (death) => {
      await using copy = await copyVault(template);
      for (let at = 2; at < prunes; at += 2) {
        const storage = new FaultyStorage(copy.storage, at, death);
        await prune(await copy.reopen(storage)).catch((error: unknown) => {
          if (!isDeath(error)) throw error;
        });
        removeLocks(copy);
      }
      const vault = await copy.reopen();
      await expectBackups(vault, expected);
      await prune(vault);
      await expectBackups(vault, expected);
      expect(await prune(vault)).toMatchObject({ freedBytes: 0, repackedBytes: 0 });
    },
    120_000,
  );

  it.each(DEATHS)('leaves a backup forgotten or not, never half (killed %s)', async (death) => {
    for (let at = 1; at <= forgets; at++) {
      await using copy = await copyVault(template);
      await killed(copy, at, death, async (vault) => vault.forget(toForget.id));
      const vault = await copy.reopen();
      const { records } = await vault.records();
      const isThere = records.some(({ id }) => id === toForget.id);
      const left = new Map(expected);
      if (!isThere) left.delete(toForget.id);
      await expectBackups(vault, left);
      if (!isThere) await vault.unforget(toForget.id);
      await prune(vault);
      await expectBackups(vault, expected);
      await expectNoDamage(vault);
    }
  });
});

/** What dies in the middle may be wrapped by what it was cleaning up. */
function isDeath(error: unknown): boolean {
  if (error instanceof SuppressedError) return isDeath(error.error) && isDeath(error.suppressed);
  return error instanceof Killed;
}
