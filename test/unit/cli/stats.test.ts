import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Figures } from '../../../src/core/metrics/figures.ts';
import { buildCli } from '../../build/cli.ts';
import { noiseOf } from '../../build/random-tree.ts';

it('stats tells what the vault takes on disk, how it grew and how long a restore took', async () => {
  await using cli = await buildCli();
  writeFileSync(join(cli.workspace, 'a.bin'), noiseOf(1, 200_000));
  await cli.must(['init', '--yes']);
  const { vault } = (await cli.json(['init'])).value;
  const setFile = statSync(join(cli.workspace, '.vscode/crm-backup.json')).size;
  const first = (await cli.json(['backup'])).value.id;
  writeFileSync(join(cli.workspace, 'b.bin'), noiseOf(2, 300_000));
  const second = (await cli.json(['backup'])).value.id;
  await cli.must(['restore', first, '--to', join(cli.scratch, 'out')]);

  const { code, value } = await cli.json(['stats']);
  const stats = value as unknown as Figures;
  const onDisk = readdirSync(vault, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(vault, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  expect([code, stats.source, stats.stored, stats.backups]).toEqual([0, 500_000 + setFile, onDisk, 2]);
  expect(stats.ratio).toBeCloseTo(500_000 / onDisk, 1);
  expect(stats.history.map(({ id, source }) => [id, source])).toEqual([
    [first, 200_000 + setFile],
    [second, 500_000 + setFile],
  ]);
  const exclusive = stats.history.map((point) => point.exclusive ?? 0);
  expect(exclusive[0]).toBeLessThan(10_000);
  expect(exclusive[1]).toBeGreaterThan(300_000);
  expect(stats.recoveryTime).toMatchObject({ kind: 'restore', backup: first, trend: null });
  expect(stats.recoveryTime.last).toBeGreaterThan(0);
  // Two and a half times the bytes take two and a half times as long.
  expect(stats.recoveryTime.estimate! / stats.recoveryTime.last!).toBeCloseTo(2.5, 1);

  const { text } = await cli.run(['stats']);
  expect(text).toMatch(/^backups +2 backups\n/);
  expect(text).toMatch(/files\/workspace +4\d\d KiB/);
  expect(text).toMatch(new RegExp(`${second.slice(0, 8)} .*29\\d KiB`));

  // Another set in the same vault: what it takes is for both, and so is what is counted.
  cli.writeSets({ name: 'other', files: [{ root: '.' }], vault });
  await cli.must(['backup']);
  const shared = (await cli.json(['stats'])).value as unknown as Figures;
  expect([shared.backups, shared.sets, shared.history.length]).toEqual([3, 2, 1]);
  expect((await cli.run(['stats'])).text).toMatch(/^backups +3 backups of 2 sets in this vault\n/);
});
