import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Figures, measure } from '../../../../src/core/metrics/figures.ts';
import { type RecoveryRecord, recordRecovery } from '../../../../src/core/metrics/recovery-record.ts';
import { recoveryTime } from '../../../../src/core/metrics/recovery-time.ts';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { temporaryFolder } from '../../../build/tree.ts';
import { type BuiltVault, buildVault, copyVault, storeBackup } from '../../../build/vault.ts';

const KIB = 1024;
const HOME = '/nowhere';

/** Every byte of the files below a folder. */
function diskBytes({ directory }: BuiltVault): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

async function figuresOf({ vault }: BuiltVault): Promise<Figures> {
  vault.forgetIndex();
  return measure(vault, { home: HOME });
}

function day(number: number): string {
  return new Date(Date.UTC(2026, 0, number)).toISOString();
}

/** Text that compresses, different with every number. */
function textOf(number: number, bytes: number): Buffer {
  const line = (at: number): string => `${number}.${at} name=Customer ${(at * 7919) % 10_007} city=Berlin\n`;
  let text = '';
  for (let at = 0; text.length < bytes; at++) text += line(at);
  return Buffer.from(text.slice(0, bytes));
}

/** Backups that share, change, add and drop content, some stored as differences. */
async function history(built: BuiltVault): Promise<BackupRecord[]> {
  const { vault } = built;
  const shared = noiseOf(1, 300 * KIB);
  const edited = noiseOf(2, 200 * KIB);
  const again = Buffer.concat([Buffer.from('changed'), edited]);
  const first = await storeBackup(
    vault,
    { shared, edited, only: noiseOf(3, 500 * KIB) },
    { createdAt: day(1) },
  );
  const second = await storeBackup(vault, { shared, edited: again }, { base: first, createdAt: day(2) });
  const third = await storeBackup(
    vault,
    { shared, edited: again, new: noiseOf(4, 700 * KIB), more: noiseOf(5, 100 * KIB) },
    { base: second, createdAt: day(3) },
  );
  return [first, second, third];
}

describe('what a vault takes', () => {
  it('is every byte on the disk, and its parts add up to it', async () => {
    await using built = await buildVault();
    const backups = await history(built);
    const figures = await figuresOf(built);
    expect(figures.stored).toBe(diskBytes(built));
    expect(figures.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(figures.stored, -1);
    expect(figures.parts[0]?.name).toBe('files/workspace');
    const latest = backups.at(-1)!.bytes.source;
    expect(figures.source).toBe(latest);
    expect(figures.ratio).toBeCloseTo(latest / diskBytes(built), 1);
    const all = backups.reduce((sum, { bytes }) => sum + bytes.source, 0);
    expect(figures.dedup! * figures.compression!).toBeCloseTo(all / diskBytes(built), 1);
    expect(figures.history.at(-1)).toMatchObject({ id: backups[2]!.id, stored: figures.stored });
  });

  it('tells dedup and compression apart', async () => {
    await using same = await buildVault();
    const content = { noise: noiseOf(1, 400 * KIB) };
    for (const number of [1, 2, 3, 4]) await storeBackup(same.vault, content, { createdAt: day(number) });
    const deduplicated = await figuresOf(same);
    expect(deduplicated.dedup).toBeCloseTo(4, 0);
    expect(deduplicated.compression).toBeCloseTo(1, 1);
    await using text = await buildVault();
    await storeBackup(text.vault, { text: textOf(1, 1024 * KIB) });
    const compressed = await figuresOf(text);
    expect(compressed.dedup).toBeCloseTo(1, 1);
    expect(compressed.compression).toBeGreaterThan(4);
  });

  it('is nothing to speak of when nothing was backed up', async () => {
    await using built = await buildVault();
    const figures = await figuresOf(built);
    expect(figures).toMatchObject({
      source: 0,
      stored: diskBytes(built),
      ratio: null,
      dedup: null,
      backups: 0,
      history: [],
    });
  });
});

describe('“deleting this frees …”', () => {
  it('is what forgetting the backup and pruning then frees on the disk', async () => {
    await using built = await buildVault();
    const backups = await history(built);
    await prune(built.vault);
    const { history: points } = await figuresOf(built);
    for (const { id } of backups) {
      await using copy = await copyVault(built);
      const before = diskBytes(copy);
      await copy.vault.forget(id);
      await prune(copy.vault);
      const told = points.find((point) => point.id === id)!.exclusive!;
      // Index files and what is remembered of the backup are not its own, and small.
      expect(Math.abs(before - diskBytes(copy) - told), `of ${told} bytes`).toBeLessThan(
        told * 0.02 + 4 * KIB,
      );
    }
  });
});

describe('growth', () => {
  it('is kept when backups are forgotten and pruned', async () => {
    await using built = await buildVault();
    const [first, second, third] = (await history(built)) as [BackupRecord, BackupRecord, BackupRecord];
    const before = (await figuresOf(built)).history;
    expect(before.map(({ isGone }) => isGone)).toEqual([false, false, false]);
    await built.vault.forget(first.id);
    expect((await figuresOf(built)).history.map(({ isGone }) => isGone)).toEqual([true, false, false]);
    const { freedBytes } = await prune(built.vault);
    const figures = await figuresOf(built);
    expect(figures.history.map(({ id, isGone }) => [id, isGone])).toEqual([
      [first.id, true],
      [second.id, false],
      [third.id, false],
    ]);
    expect(figures.stored).toBe(diskBytes(built));
    // What it took then is told from what it takes now and what was freed since.
    for (const [at, point] of figures.history.entries()) {
      expect(Math.abs(point.stored - before[at]!.stored)).toBeLessThan(4 * KIB);
    }
    expect(freedBytes).toBeGreaterThan(500 * KIB);
    expect(figures.unused).toBeLessThan(figures.stored / 4);
  });
});

describe('recovery time', () => {
  it('is the last that was measured, and an estimate for what the latest backup holds now', async () => {
    await using built = await buildVault();
    await using home = temporaryFolder();
    const { vault } = built;
    const backup = await storeBackup(vault, { a: noiseOf(1, 100 * KIB) }, { createdAt: day(1) });
    const nothing = await measure(vault, { home: home.path });
    expect(nothing.recoveryTime).toMatchObject({
      last: null,
      estimate: null,
      kind: null,
      trend: null,
      history: [],
    });
    const measured = {
      version: 1,
      set: 'test',
      backup: backup.id,
      phases: { fetch: 0, decode: 0, write: 0, load: 0, verify: 0 },
      bytes: 50 * KIB,
      databaseBytes: 0,
      files: 1,
      tables: 0,
      isWhole: true,
      isGood: true,
    } as const;
    recordRecovery(home.path, vault.id, { ...measured, kind: 'restore', at: day(2), durationMs: 1000 });
    recordRecovery(home.path, vault.id, { ...measured, kind: 'drill', at: day(3), durationMs: 2000 });
    // One that failed says nothing about how long a good one takes.
    recordRecovery(home.path, vault.id, {
      ...measured,
      kind: 'drill',
      at: day(4),
      durationMs: 9,
      isGood: false,
    });
    const { recoveryTime } = await measure(vault, { home: home.path });
    expect(recoveryTime).toMatchObject({
      last: 2000,
      kind: 'drill',
      at: day(3),
      estimate: 3000,
      estimatedFrom: day(3),
      trend: 2,
    });
    const much = { ...measured, bytes: 50_000 * KIB, kind: 'drill' } as const;
    recordRecovery(home.path, vault.id, { ...much, at: day(5), durationMs: 3000 });
    // However much faster it got, it took some time.
    const { recoveryTime: faster } = await measure(vault, { home: home.path });
    expect(faster.trend).toBe(0.0015);
    expect(recoveryTime.history.map(({ durationMs }) => durationMs)).toEqual([1000, 2000]);
    expect((await measure(vault, { home: home.path, set: 'other' })).recoveryTime.last).toBeNull();
  });

  it('is never estimated from a few bytes of a kind', () => {
    const MIB = 1024 * KIB;
    const latest = {
      sources: [
        { type: 'files', bytes: 2 * MIB },
        { type: 'database', bytes: 5 * MIB },
      ] as unknown as BackupRecord['sources'],
    };
    const record = (
      bytes: number,
      databaseBytes: number,
      durationMs: number,
      load: number,
    ): RecoveryRecord => ({
      version: 1,
      kind: 'restore',
      set: 'test',
      backup: 'ab',
      at: day(1),
      durationMs,
      phases: { fetch: 0, decode: 0, write: 0, load, verify: 0 },
      bytes,
      databaseBytes,
      files: 1,
      tables: 1,
      isWhole: false,
      isGood: true,
    });
    const estimate = (...records: readonly RecoveryRecord[]) => recoveryTime(records, latest).estimate!;
    // 46 bytes of files beside the whole database: their share is in what happens besides loading.
    const database = record(46, 5 * MIB, 18_700, 12_000);
    expect(estimate(database)).toBeGreaterThan(18_600);
    expect(estimate(database)).toBeLessThan(30_000);
    const files = record(2 * MIB, 46, 4000, 1000);
    expect(estimate(database, files)).toBe(3000 + 12_000);
  });
});
