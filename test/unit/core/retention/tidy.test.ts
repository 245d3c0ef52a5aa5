import { readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { forgottenBackups, takeBack } from '../../../../src/core/retention/forget.ts';
import { tidy, UNDO_DAYS } from '../../../../src/core/retention/tidy.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { type BuiltVault, buildVault, readBackup, storeBackup } from '../../../build/vault.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const MIB = 1024 * 1024;
const SETS = [{ name: 'test', retention: { last: 1 } }];

/** Makes what was forgotten look as if that had been so many days ago. */
function ageForgotten({ directory }: BuiltVault, days: number): void {
  const folder = join(directory, 'forgotten');
  const then = new Date(Date.now() - days * DAY_MS);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), then, then);
}

function packBytes({ directory }: BuiltVault): number {
  const names = readdirSync(join(directory, 'packs'), { recursive: true, encoding: 'utf8' });
  return names
    .map((name) => statSync(join(directory, 'packs', name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

describe('tidying up', () => {
  it('forgets by the rules, holds what was forgotten for a week, then frees it when that is worth it', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const first = await storeBackup(
      vault,
      { a: noiseOf(1, 12 * MIB) },
      { createdAt: '2026-01-01T00:00:00Z' },
    );
    const second = await storeBackup(
      vault,
      { b: noiseOf(2, 12 * MIB) },
      { createdAt: '2026-01-02T00:00:00Z' },
    );
    const before = packBytes(built);

    const { forgotten, pruned } = await tidy(vault, SETS, new Date());
    expect(forgotten.map(({ id }) => id)).toEqual([first.id]);
    expect(pruned).toBeUndefined();
    ageForgotten(built, UNDO_DAYS - 1);
    expect((await tidy(vault, SETS, new Date())).pruned).toBeUndefined();
    await takeBack(vault, await forgottenBackups(vault), {});
    expect((await readBackup(vault, first))['a']?.equals(noiseOf(1, 12 * MIB))).toBe(true);

    await tidy(vault, SETS, new Date());
    ageForgotten(built, UNDO_DAYS + 1);
    const freed = (await tidy(vault, SETS, new Date())).pruned?.freedBytes ?? 0;
    expect(freed).toBeGreaterThan(12 * MIB);
    expect(packBytes(built)).toBeLessThan(before - 12 * MIB);
    expect(await forgottenBackups(vault)).toEqual([]);
    expect((await readBackup(vault, second))['b']?.equals(noiseOf(2, 12 * MIB))).toBe(true);
  });

  it('frees nothing of what was forgotten in the last week, although something older goes', async () => {
    await using built = await buildVault();
    const { vault } = built;
    await storeBackup(vault, { a: noiseOf(1, 12 * MIB) }, { createdAt: '2026-01-01T00:00:00Z' });
    const second = await storeBackup(
      vault,
      { b: noiseOf(2, 12 * MIB) },
      { createdAt: '2026-01-02T00:00:00Z' },
    );
    await tidy(vault, SETS, new Date());
    ageForgotten(built, UNDO_DAYS + 1);
    await storeBackup(vault, { c: 'new' }, { createdAt: '2026-01-03T00:00:00Z' });
    const { forgotten, pruned } = await tidy(vault, SETS, new Date());
    expect(forgotten.map(({ id }) => id)).toEqual([second.id]);
    expect(pruned?.freedBytes).toBeGreaterThan(12 * MIB);
    await takeBack(vault, [second], {});
    expect((await readBackup(vault, second))['b']?.equals(noiseOf(2, 12 * MIB))).toBe(true);
  });

  it('leaves a little waste alone, and backups of sets that the workspace no longer has', async () => {
    await using built = await buildVault();
    const { vault } = built;
    await storeBackup(vault, { a: noiseOf(1, MIB) }, { createdAt: '2026-01-01T00:00:00Z' });
    await storeBackup(vault, { b: noiseOf(2, MIB) }, { createdAt: '2026-01-02T00:00:00Z' });
    await storeBackup(vault, { b: noiseOf(3, MIB) }, { createdAt: '2026-01-02T00:00:00Z', set: 'removed' });
    await storeBackup(vault, { b: noiseOf(4, MIB) }, { createdAt: '2026-01-03T00:00:00Z', set: 'removed' });
    expect((await tidy(vault, SETS, new Date())).forgotten.length).toBe(1);
    ageForgotten(built, UNDO_DAYS + 1);
    expect((await tidy(vault, SETS, new Date())).pruned).toBeUndefined();
    expect((await vault.records()).records.filter(({ set }) => set === 'removed').length).toBe(2);
  });
});
