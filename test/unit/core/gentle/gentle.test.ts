import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../../src/core/backup.ts';
import type { DatabaseAddress } from '../../../../src/core/database/engine.ts';
import { atLowPriority } from '../../../../src/core/gentle/low-priority.ts';
import { drawsFromBattery, isBusy, isOnBattery, powerSupplies } from '../../../../src/core/gentle/machine.ts';
import { paced } from '../../../../src/core/gentle/pace.ts';
import { restorable } from '../../../build/restorable.ts';
import { temporaryFolder, treeOf } from '../../../build/tree.ts';

describe('whether a machine lives on its battery', () => {
  it('is told by its supplies, but not by those of a mouse', async () => {
    await using folder = temporaryFolder();
    const supply = (name: string, facts: Record<string, string>): void => {
      mkdirSync(join(folder.path, name));
      for (const [key, value] of Object.entries(facts))
        writeFileSync(join(folder.path, name, key), `${value}\n`);
    };
    expect(isOnBattery(powerSupplies(folder.path))).toBe(false);
    supply('mouse', { type: 'Battery', status: 'Discharging', scope: 'Device' });
    expect(isOnBattery(powerSupplies(folder.path))).toBe(false);
    supply('BAT0', { type: 'Battery', status: 'Discharging' });
    expect(isOnBattery(powerSupplies(folder.path))).toBe(true);
    supply('AC', { type: 'Mains', online: '1' });
    expect(isOnBattery(powerSupplies(folder.path))).toBe(false);
    expect(powerSupplies(join(folder.path, 'nowhere'))).toEqual([]);
  });

  it('is told by macOS in words', () => {
    expect(drawsFromBattery("Now drawing from 'Battery Power'\n -InternalBattery-0 97%")).toBe(true);
    expect(drawsFromBattery("Now drawing from 'AC Power'")).toBe(false);
  });
});

describe('a busy machine', () => {
  it('is one with more to do for each processor than is welcome', () => {
    expect([isBusy(1.5, 2, 0.8), isBusy(1.7, 2, 0.8), isBusy(0, 0, 0.1)]).toEqual([false, true, false]);
  });
});

describe('work at low priority', () => {
  it.skipIf(process.platform !== 'linux')('is low while it runs', async () => {
    const seen = await atLowPriority(async () => Promise.resolve(os.getPriority()));
    expect(seen).toBe(os.constants.priority.PRIORITY_LOW);
  });
});

describe('a paced task', () => {
  it('is held back until the bytes it has read are within its rate, and not where there is none', async () => {
    let limit: number | undefined;
    const task = paced({}, () => limit);
    expect(task.pace?.(1e12)).toBeUndefined();
    limit = 1_000;
    const held = task.pace?.(1e12);
    expect(held).toBeInstanceOf(Promise);
    limit = undefined;
    await held;
  });

  it('hears a cancellation while it is held back', async () => {
    const stop = new AbortController();
    const task = paced({ signal: stop.signal }, () => 1);
    const held = task.pace?.(1e9);
    stop.abort();
    await held;
  });

  it('is told of every byte that a full backup reads', async () => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, `content ${at}`]));
    await using place = await restorable(treeOf({ ...files, large: Buffer.alloc(3_000_000, 1) }));
    let told = 0;
    const pace = (bytes: number): undefined => void (told += bytes);
    const record = await backUp(place.vault, place.set, { kind: 'full' }, { pace });
    expect(record.bytes.read).toBeGreaterThan(3_000_000);
    expect(told).toBe(record.bytes.read);
  });

  it('is held back within a large file and a large dump, not after them', async () => {
    const bytes = 12_000_000;
    await using place = await restorable(treeOf({ large: Buffer.alloc(bytes, 1) }));
    const command = { dump: `head -c ${bytes} /dev/zero`, restore: 'cat > restored' };
    const address = async (): Promise<DatabaseAddress> =>
      Promise.resolve({ name: 'big', url: '', workspace: place.root, command });
    const most = async (set: BackupSources): Promise<number> => {
      let told = 0;
      let largest = 0;
      const pace = (read: number): undefined => {
        told += read;
        largest = Math.max(largest, read);
      };
      const { status } = await backUp(place.vault, set, { kind: 'full' }, { pace });
      expect([status, told]).toEqual(['complete', bytes]);
      return largest;
    };
    expect(await most(place.set)).toBeLessThan(bytes / 4);
    expect(await most({ name: 'dump', roots: [], databases: [{ name: 'big', address }] })).toBeLessThan(
      bytes / 4,
    );
  });
});
