import { readdirSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findTool } from '../../../scripts/tools.mjs';
import { hasFaketime } from '../../build/moved-clock.ts';
import { buildMovingCli, type MovingCli } from '../../build/moving-cli.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { buildResticRepository, resticKeepsOldest } from '../../build/restic-repository.ts';

vi.setConfig({ testTimeout: 600_000 });

const ZONE = 'Europe/Berlin';
const zoneBefore = process.env['TZ'];
beforeAll(() => {
  process.env['TZ'] = ZONE;
});
afterAll(() => {
  if (zoneBefore === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneBefore;
});

const RULES = { last: 3, daily: 7, weekly: 4, monthly: 6, yearly: 1 };
const SET = {
  name: 'crm',
  files: [{ root: '.', exclude: ['.vscode/**'] }],
  schedule: [
    { kind: 'incremental', every: 'day', at: '02:00' },
    { kind: 'full', every: 'week', on: 'sunday', at: '03:00' },
    { kind: 'drill', every: 'month', on: 'first sunday', at: '03:30' },
  ],
  offPeak: { from: '20:00', to: '07:00' },
  retention: RULES,
};
const DAYS = 365;
/** The machine is off on weekends, and was from the one to the other: what was missed is done once. */
const AWAY = { from: 40, to: 50 };
const PINNED_ON = 99;
const DAMAGED_ON = 199;

interface Run {
  readonly kind: string;
  readonly status: string;
  readonly startedAt: string;
  readonly backup?: string;
  readonly message?: string;
}
interface Taken {
  readonly id: string;
  readonly moment: Date;
  readonly pinned: boolean;
}
interface Stats {
  readonly source: number;
  readonly stored: number;
  readonly ratio: number;
  readonly backups: number;
  readonly parts: readonly { readonly bytes: number }[];
  readonly recoveryTime: { readonly kind: string | null; readonly history: readonly unknown[] };
  readonly history: readonly {
    readonly isGone: boolean;
  }[];
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file).isFile());
}

function bytesBelow(directory: string): number {
  return filesBelow(directory).reduce((sum, file) => sum + statSync(file).size, 0);
}

/** The calendar of the zone: 2025-03-30. */
function dateOf(moment: Date): string {
  return moment.toLocaleDateString('sv', { timeZone: ZONE });
}

function mondayOf(moment: Date): string {
  const date = new Date(`${dateOf(moment)}T00:00:00Z`);
  return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * 86_400_000).toISOString().slice(0, 10);
}

/** What the rules say is kept, told as docs/retention.md tells it: of each period that has a backup the last one. */
function keptByRules(taken: readonly Taken[]): string[] {
  const newestFirst = [...taken].sort((a, b) => b.moment.getTime() - a.moment.getTime());
  const lastOf = (period: (moment: Date) => string, most: number): Taken[] => {
    const last = new Map<string, Taken>();
    for (const each of newestFirst) if (!last.has(period(each.moment))) last.set(period(each.moment), each);
    return [...last.values()].slice(0, most);
  };
  const kept = new Set([
    ...newestFirst.filter(({ pinned }) => pinned),
    ...newestFirst.slice(0, RULES.last),
    ...lastOf(dateOf, RULES.daily),
    ...lastOf(mondayOf, RULES.weekly),
    ...lastOf((moment) => dateOf(moment).slice(0, 7), RULES.monthly),
    ...lastOf((moment) => dateOf(moment).slice(0, 4), RULES.yearly),
  ]);
  return newestFirst.filter((each) => kept.has(each)).map(({ id }) => id);
}

async function keptByRestic(taken: readonly Taken[]): Promise<string[]> {
  await using restic = await buildResticRepository(ZONE);
  const rules = Object.entries(RULES).flatMap(([rule, count]) => [`--keep-${rule}`, String(count)]);
  const answer = await restic.forget(taken, ['--keep-tag', 'pinned', ...rules]);
  return taken.filter((_, place) => answer.has(place)).map(({ id }) => id);
}

/** The disk keeps the real time: what was written just now gets the moved one, as if its clock had been moved, too. */
function stampNew(directory: string, now: Date): void {
  for (const file of filesBelow(directory)) if (statSync(file).mtime > now) utimesSync(file, now, now);
}

async function printed<T>(cli: MovingCli, ...args: readonly string[]): Promise<T> {
  const { code, text } = await cli.run(...args, '--json');
  expect(code).toBe(0);
  return JSON.parse(text) as T;
}

async function listed(cli: MovingCli): Promise<string[]> {
  const { backups } = await printed<{ backups: readonly { id: string }[] }>(cli, 'list');
  return backups.map(({ id }) => id);
}

/** Every figure is what can be seen on the disk. */
async function expectTrueFigures(cli: MovingCli, vault: string, takenCount: number): Promise<Stats> {
  const figures = await printed<Stats>(cli, 'stats');
  const onDisk = bytesBelow(vault);
  const source = bytesBelow(cli.workspace) - bytesBelow(join(cli.workspace, '.vscode'));
  expect(figures).toMatchObject({ stored: onDisk, source });
  expect(figures.ratio).toBeCloseTo(source / onDisk, 1);
  expect(figures.parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(onDisk, -1);
  expect(figures.history).toHaveLength(takenCount);
  expect(figures.history.filter(({ isGone }) => !isGone)).toHaveLength(figures.backups);
  return figures;
}

describe.skipIf(!hasFaketime)('a year of daily work that is done by itself', () => {
  it('keeps exactly what the rules say, finds damage within a month, and tells true figures', async () => {
    await using cli = await buildMovingCli(ZONE);
    mkdirSync(join(cli.workspace, '.vscode'));
    writeFileSync(
      join(cli.workspace, '.vscode/crm-backup.json'),
      JSON.stringify({ version: 1, sets: [SET] }),
    );
    writeFileSync(join(cli.workspace, 'stays.bin'), noiseOf(1, 300_000));
    const { vault } = await printed<{ vault: string }>(cli, 'init', '--yes');
    const packs = (): string[] => filesBelow(join(vault, 'packs'));
    const taken: Taken[] = [];
    let [pinnedPack, whole, foundOn] = ['', Buffer.alloc(0), 0];
    let drills = 0;

    // The clocks of Berlin are changed twice on the way.
    for (let day = 0; day < DAYS; day++) {
      const midnight = new Date(Date.UTC(2025, 2, 3 + day));
      if (midnight.getUTCDay() % 6 === 0 || (day > AWAY.from && day < AWAY.to)) continue;
      const date = midnight.toISOString().slice(0, 10);
      writeFileSync(join(cli.workspace, 'upload.bin'), noiseOf(day + 2, 500_000 + day * 100));
      const packsBefore = new Set(day === PINNED_ON ? packs() : []);
      cli.moveTo(`${date} 04:30:00`);
      const { text, now } = await cli.run('due');
      expect(dateOf(now)).toBe(date);
      stampNew(vault, now);
      const { runs } = JSON.parse(text) as { runs: readonly Run[] };
      const [backup, ...others] = runs;
      taken.push({ id: backup!.backup!, moment: new Date(backup!.startedAt), pinned: day === PINNED_ON });
      expect(others.map(({ kind, status }) => `${kind} ${status}`)).toEqual(
        others.length === 0 ? [] : ['drill done'],
      );
      drills += others.length;

      if (backup!.status !== 'done') {
        expect(backup!.status).toBe('damaged');
        expect(foundOn).toBe(0);
        foundOn = day;
        writeFileSync(pinnedPack, whole);
        stampNew(vault, now);
      }
      if (day === PINNED_ON) {
        [pinnedPack = ''] = packs().filter((pack) => !packsBefore.has(pack));
        await printed(cli, 'pin', 'latest');
      }
      if (day === DAMAGED_ON) {
        whole = readFileSync(pinnedPack);
        const bad = Buffer.from(whole);
        bad[1000] = bad[1000]! ^ 1;
        writeFileSync(pinnedPack, bad);
        stampNew(vault, now);
      }
      if (day % 56 === 0 && day !== foundOn) {
        expect(await listed(cli)).toEqual(keptByRules(taken));
        await expectTrueFigures(cli, vault, taken.length);
      }
    }

    expect(foundOn).toBeGreaterThan(DAMAGED_ON);
    expect(foundOn).toBeLessThanOrEqual(DAMAGED_ON + 31);
    expect(drills).toBe(12);
    const kept = await listed(cli);
    expect(kept).toEqual(keptByRules(taken));
    if (findTool('restic') !== undefined) {
      const theirs = new Set(await keptByRestic(taken));
      if (resticKeepsOldest()) theirs.delete(taken[0]!.id);
      expect(new Set(kept)).toEqual(theirs);
    }
    expect((await cli.run('verify', '--level', 'data')).code).toBe(0);
    const figures = await expectTrueFigures(cli, vault, taken.length);
    expect(figures.recoveryTime).toMatchObject({ kind: 'drill' });
    expect(figures.recoveryTime.history).toHaveLength(12);
    // Far more than is there now was written: the space was freed by itself.
    expect(figures.stored).toBeLessThan(30_000_000);
  });
});
