import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backUp, type BackupSources } from '../../../../src/core/backup.ts';
import { measure } from '../../../../src/core/metrics/figures.ts';
import { tidy } from '../../../../src/core/retention/tidy.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { temporaryFolder } from '../../../build/tree.ts';
import { type BuiltVault, buildVault } from '../../../build/vault.ts';

vi.setConfig({ testTimeout: 180_000 });

const zoneBefore = process.env['TZ'];
beforeEach(() => {
  process.env['TZ'] = 'Europe/Berlin';
});
afterEach(() => {
  vi.useRealTimers();
  if (zoneBefore === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneBefore;
});

function bytesBelow(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/** The disk keeps the real time: what was forgotten just now gets the moved one. */
function stampForgotten({ directory }: BuiltVault, now: Date): void {
  const folder = join(directory, 'forgotten');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (statSync(join(folder, name)).mtime > now) utimesSync(join(folder, name), now, now);
  }
}

describe('a year of daily work', () => {
  it('keeps exactly what the rules say, frees the rest, and every figure agrees with the disk', async () => {
    await using built = await buildVault();
    await using folder = temporaryFolder();
    const { vault } = built;
    const sources: BackupSources = {
      name: 'crm',
      roots: [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }],
      databases: [],
    };
    const set = { name: 'crm', retention: { last: 3, daily: 7, weekly: 4, monthly: 6, yearly: 1 } };
    writeFileSync(join(folder.path, 'stays.bin'), noiseOf(1, 300_000));
    vi.useFakeTimers({ toFake: ['Date'] });
    let prunes = 0;
    let freed = 0;
    // The clocks of Berlin are changed twice on the way.
    for (let day = 0; day < 365; day++) {
      const now = new Date(2025, 2, 1 + day, 12, 30);
      vi.setSystemTime(now);
      writeFileSync(join(folder.path, 'upload.bin'), noiseOf(day + 2, 100_000));
      await backUp(vault, sources, { kind: 'auto' });
      if (day % 4 !== 0) continue;
      const { pruned } = await tidy(vault, [set], now);
      if (pruned !== undefined) {
        prunes++;
        freed += pruned.freedBytes;
      }
      stampForgotten(built, now);
    }
    const { records } = await vault.records();
    expect(records.map(({ createdAt }) => new Date(createdAt).toLocaleDateString('sv'))).toEqual([
      // The last seven days, the last of them the last of the week, month and year.
      ...['2026-02-28', '2026-02-27', '2026-02-26', '2026-02-25', '2026-02-24', '2026-02-23', '2026-02-22'],
      // Sundays.
      ...['2026-02-15', '2026-02-08'],
      // Ends of months.
      ...['2026-01-31', '2025-12-31', '2025-11-30', '2025-10-31', '2025-09-30'],
    ]);
    expect(prunes).toBeGreaterThan(1);
    expect(freed).toBeGreaterThan(20_000_000);
    const onDisk = bytesBelow(built.directory);
    const figures = await measure(vault, { home: folder.path });
    expect(figures.stored).toBe(onDisk);
    expect(figures.source).toBe(400_000);
    expect(figures.ratio).toBeCloseTo(400_000 / onDisk, 1);
    expect(figures.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(onDisk, -1);
    expect(figures.history.length).toBe(365);
    expect(figures.history.filter(({ isGone }) => !isGone).length).toBe(records.length);
    expect(figures.history.at(-1)?.stored).toBe(onDisk);
    // What was added in the year and not freed is there.
    const added = figures.history.reduce((sum, point) => sum + point.added, 0);
    expect(Math.abs(added - freed - onDisk)).toBeLessThan(onDisk * 0.02);
    expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
  });
});
