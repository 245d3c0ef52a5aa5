import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeSchedule as remember } from '../../../src/core/schedule/state.ts';
import { readSchedule } from '../../../src/core/schedule/state.ts';
import { type CliRun, useCli } from '../../build/cli.ts';
import { clockAt, hasFaketime } from '../../build/moved-clock.ts';
import { DAILY, writeSchedule } from '../../build/schedule.ts';

interface Run {
  readonly set: string;
  readonly kind: string;
  readonly status: string;
  readonly backup?: string;
  readonly message?: string;
  readonly code?: string;
  readonly durationMs: number;
}
interface Listed {
  readonly set: string;
  readonly kind: string;
  readonly nextRun: string;
  readonly lastRun: string | null;
  readonly lastStatus: string | null;
}

const cli = await useCli();

const NIGHT = { from: '20:00', to: '07:00' };

async function at(moment: string, ...args: readonly string[]): Promise<CliRun> {
  return cli.run(args, { env: clockAt(moment) });
}

/** What `schedule run` did at a moment. */
async function runsAt(
  moment: string,
  workspace = cli.workspace,
): Promise<{ code: number | null; runs: readonly Run[]; stderr: string }> {
  const { code, text, stderr } = await at(moment, '-C', workspace, 'schedule', 'run', '--json');
  return { code, runs: (JSON.parse(text) as { runs: readonly Run[] }).runs, stderr };
}

async function jobsAt(moment: string): Promise<readonly Listed[]> {
  const { text } = await at(moment, 'schedule', 'list', '--json');
  return (JSON.parse(text) as { jobs: readonly Listed[] }).jobs;
}

describe.skipIf(!hasFaketime)('schedule, with the clock moved', () => {
  it('takes a backup when its time has come, once, and says when the next is', async () => {
    writeSchedule(cli.workspace, DAILY);
    expect((await at('2026-03-01T01:00:00Z', 'init', '--yes')).code).toBe(0);
    expect((await at('2026-03-01T01:10:00Z', 'backup')).code).toBe(0);
    expect((await runsAt('2026-03-01T01:59:00Z')).runs).toEqual([]);
    const { code, runs } = await runsAt('2026-03-01T02:00:00Z');
    expect(code).toBe(0);
    expect(runs).toMatchObject([{ set: 'crm', kind: 'incremental', status: 'done' }]);
    expect((await runsAt('2026-03-01T02:00:30Z')).runs).toEqual([]);
    expect(await jobsAt('2026-03-01T03:00:00Z')).toMatchObject([
      {
        kind: 'incremental',
        nextRun: '2026-03-02T02:00:00.000Z',
        lastRun: expect.stringMatching(/^2026-03-01T02:00/) as string,
        lastStatus: 'done',
      },
    ]);
    const listing = await at('2026-03-01T03:00:00Z', 'list', '--json');
    const { backups } = JSON.parse(listing.text) as { backups: { label: string | null; id: string }[] };
    expect(backups.map(({ label }) => label)).toEqual(['Scheduled', null]);
    expect(backups[0]?.id).toBe(runs[0]?.backup);
  });

  it('takes the first one at once, catches up once for a week away, and only off-peak', async () => {
    writeSchedule(cli.workspace, [...DAILY, { kind: 'full', every: 'week', on: 'sunday', at: '03:00' }], {
      offPeak: NIGHT,
    });
    await at('2026-03-02T11:00:00Z', 'init', '--yes');
    expect((await runsAt('2026-03-02T12:00:00Z')).runs).toEqual([]);
    expect((await jobsAt('2026-03-02T12:00:00Z')).map(({ nextRun }) => nextRun)).toEqual([
      '2026-03-02T20:00:00.000Z',
      '2026-03-02T20:00:00.000Z',
    ]);
    // Both are due: the one that reads everything stands for both.
    expect((await runsAt('2026-03-02T20:00:00Z')).runs).toMatchObject([{ kind: 'full', status: 'done' }]);
    expect((await runsAt('2026-03-12T12:00:00Z')).runs).toEqual([]);
    expect((await runsAt('2026-03-12T23:00:00Z')).runs).toMatchObject([{ kind: 'full', status: 'done' }]);
    expect((await runsAt('2026-03-12T23:01:00Z')).runs).toEqual([]);
    expect((await runsAt('2026-03-13T02:00:00Z')).runs).toMatchObject([{ kind: 'incremental' }]);
  });

  it('counts from now on when the clock is set back, and loses nothing', async () => {
    writeSchedule(cli.workspace, DAILY);
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2031-03-01T03:00:00Z', 'schedule', 'run');
    const back = await runsAt('2026-03-01T12:00:00Z');
    expect(back.runs).toEqual([]);
    expect(back.stderr).toContain('The clock was set back');
    expect((await runsAt('2026-03-01T13:00:00Z')).stderr).toBe('');
    expect((await runsAt('2026-03-02T02:00:00Z')).runs).toMatchObject([{ status: 'done' }]);
    const { text } = await at('2026-03-02T03:00:00Z', 'list', '--json');
    expect((JSON.parse(text) as { backups: unknown[] }).backups).toHaveLength(2);
  });

  it('says why the vault on a disk that is gone got no backup, and tries again', async () => {
    const disk = join(cli.scratch, 'disk');
    writeSchedule(cli.workspace, DAILY, { vault: disk });
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2026-03-01T02:00:00Z', 'schedule', 'run');
    renameSync(disk, `${disk}.away`);
    const { code, runs } = await runsAt('2026-03-02T02:00:00Z');
    expect(code).toBe(10);
    expect(runs).toMatchObject([{ status: 'failed', code: 'no-vault' }]);
    expect(runs[0]?.message).toContain('is not there any more');
    expect(await jobsAt('2026-03-02T02:01:00Z')).toMatchObject([
      { lastStatus: 'failed', nextRun: expect.stringMatching(/^2026-03-02T02:15/) as string },
    ]);
    expect((await runsAt('2026-03-02T02:16:00Z')).runs).toMatchObject([{ status: 'failed' }]);
    const [{ failingSince } = {}] = readSchedule(cli.home, cli.workspace).jobs;
    expect(failingSince).toMatch(/^2026-03-02T02:00/);
    renameSync(`${disk}.away`, disk);
    expect((await runsAt('2026-03-02T02:20:00Z')).runs).toEqual([]);
    expect((await runsAt('2026-03-02T02:50:00Z')).runs).toMatchObject([{ status: 'done' }]);
    expect((await runsAt('2026-03-02T03:10:00Z')).runs).toEqual([]);
    expect(readSchedule(cli.home, cli.workspace).jobs[0]?.failingSince).toBeUndefined();
  });

  it('of two schedulers at once one takes the backup, whatever each calls the workspace', async () => {
    writeSchedule(cli.workspace, DAILY);
    const link = join(cli.scratch, 'link');
    symlinkSync(cli.workspace, link);
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    const names = [cli.workspace, link, cli.workspace, link];
    const all = await Promise.all(names.map(async (name) => runsAt('2026-03-01T02:00:00Z', name)));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(all.flatMap(({ runs }) => runs)).toMatchObject([{ status: 'done' }]);
    const { text } = await at('2026-03-01T03:00:00Z', 'list', '--json');
    expect((JSON.parse(text) as { backups: unknown[] }).backups).toHaveLength(1);
    expect(readdirSync(join(cli.home, 'schedules'))).toHaveLength(1);
  });

  it('forgets what is not scheduled any more, and keeps its backups', async () => {
    writeSchedule(cli.workspace, DAILY);
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2026-03-01T02:00:00Z', 'schedule', 'run');
    writeSchedule(cli.workspace, [{ kind: 'full', every: 'month', on: 'last', at: '01:00' }]);
    expect((await runsAt('2026-03-02T02:00:00Z')).runs).toEqual([]);
    expect(await jobsAt('2026-03-02T02:00:00Z')).toMatchObject([
      { kind: 'full', nextRun: '2026-03-31T01:00:00.000Z', lastStatus: null },
    ]);
    const [folder = ''] = readdirSync(join(cli.home, 'schedules'));
    expect(readFileSync(join(cli.home, 'schedules', folder, 'state.json'), 'utf8')).not.toContain(
      'incremental',
    );
  });

  it('says once of a set that was removed that nothing is done for it, and keeps its backups', async () => {
    writeSchedule(cli.workspace, DAILY);
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    const [taken] = (await runsAt('2026-03-01T02:00:00Z')).runs;
    writeSchedule(cli.workspace, [], { name: 'other' });
    expect((await at('2026-03-01T03:00:00Z', 'schedule', 'list')).text).toContain('Nothing is scheduled');
    expect((await cli.run(['schedule', 'list', '--set', 'nope'])).code).toBe(2);
    const { code, runs, stderr } = await runsAt('2026-03-02T02:00:00Z');
    expect([code, runs]).toEqual([0, []]);
    expect(stderr).toContain('Set “crm” is not in the set file any more');
    expect(stderr).toContain('Its backups are kept.');
    expect((await runsAt('2026-03-02T02:15:00Z')).stderr).toBe('');
    // Back again, it goes on from the backups it has.
    writeSchedule(cli.workspace, DAILY);
    expect((await runsAt('2026-03-02T02:30:00Z')).runs).toMatchObject([{ set: 'crm', status: 'done' }]);
    expect((await runsAt('2026-03-02T02:45:00Z')).runs).toEqual([]);
    const { text } = await at('2026-03-02T03:00:00Z', 'list', '--json');
    const { backups } = JSON.parse(text) as { backups: { id: string }[] };
    expect(backups.map(({ id }) => id)).toContain(taken?.backup);
    expect(backups).toHaveLength(2);
  });

  it('waits while a restore is under way', async () => {
    const wait = '{ cat > came; touch began; while [ ! -e go ]; do sleep 0.05; done; }';
    const databases = [{ name: 'legacy', command: { dump: 'cat a.txt', restore: wait } }];
    writeSchedule(cli.workspace, DAILY, { databases, files: [{ root: '.', include: ['a.txt'] }] });
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2026-03-01T02:00:00Z', 'schedule', 'run');
    const restoring = at('2026-03-02T01:59:00Z', 'restore', 'latest', '--no-safety-backup');
    while (!existsSync(join(cli.workspace, 'began'))) await pause(20);
    const { code, runs } = await runsAt('2026-03-02T02:00:00Z');
    writeFileSync(join(cli.workspace, 'go'), '');
    await restoring;
    expect(code).toBe(0);
    expect(runs).toMatchObject([{ status: 'skipped' }]);
    expect(runs[0]?.message).toContain('A restore is under way');
    expect((await runsAt('2026-03-02T02:01:00Z')).runs).toMatchObject([{ status: 'done' }]);
  });

  it('goes on slowly when the off-peak hours end while it runs', async () => {
    const hooks = { before: { command: 'sleep 2' } };
    writeSchedule(cli.workspace, [{ kind: 'full', every: 'day', at: '06:59' }], { offPeak: NIGHT, hooks });
    writeFileSync(join(cli.workspace, 'large.bin'), Buffer.alloc(9_000_000, 1));
    await at('2026-03-01T06:00:00Z', 'init', '--yes');
    const { runs } = await runsAt('2026-03-01T06:59:59Z');
    expect(runs).toMatchObject([{ status: 'done' }]);
    // Two seconds of the hook, and nine megabytes at four a second.
    expect(runs[0]?.durationMs).toBeGreaterThan(2_000 + 2_000);
  });

  it('has taken the backup when the command after it fails, verifies, forgets, and tells of the command', async () => {
    const hooks = { after: { command: 'echo STILL ON; exit 3' } };
    writeSchedule(cli.workspace, DAILY, { hooks, retention: { last: 2 } });
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    const message = 'The command after the backup of “crm” ended with 3: STILL ON.';
    for (const day of [1, 2, 3]) {
      const { code, runs } = await runsAt(`2026-03-0${day}T02:00:00Z`);
      expect(code).toBe(1);
      expect(runs).toMatchObject([{ status: 'hook-failed', code: 'hook-failed', message }]);
      expect(runs[0]?.backup).toMatch(/^[0-9a-f]{64}$/);
      expect((await runsAt(`2026-03-0${day}T14:00:00Z`)).runs).toEqual([]);
    }
    const { text } = await at('2026-03-03T15:00:00Z', 'list', '--json');
    expect((JSON.parse(text) as { backups: unknown[] }).backups).toHaveLength(2);
    expect(await jobsAt('2026-03-03T15:00:00Z')).toMatchObject([{ lastStatus: 'hook-failed', message }]);
    writeSchedule(cli.workspace, DAILY);
    expect((await runsAt('2026-03-04T02:00:00Z')).runs).toMatchObject([{ status: 'done' }]);
  });

  it('verifies and rehearses by itself, and remembers both', async () => {
    writeSchedule(cli.workspace, [
      ...DAILY,
      { kind: 'verify', every: 'week', on: 'monday', at: '01:00' },
      { kind: 'drill', every: 'month', on: 2, at: '01:30' },
    ]);
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2026-03-01T02:00:00Z', 'schedule', 'run');
    const { code, runs } = await runsAt('2026-03-02T02:00:00Z');
    expect(code).toBe(0);
    expect(runs.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'incremental done',
      'verify done',
      'drill done',
    ]);
    const next = (await jobsAt('2026-03-02T03:00:00Z')).map((job) => [
      job.kind,
      job.lastStatus,
      job.nextRun.slice(0, 16),
    ]);
    expect(next).toEqual([
      ['incremental', 'done', '2026-03-03T02:00'],
      ['verify', 'done', '2026-03-09T01:00'],
      ['drill', 'done', '2026-04-02T01:30'],
    ]);
    const { text } = await at('2026-03-02T03:00:00Z', 'stats', '--json');
    expect(JSON.parse(text)).toMatchObject({ recoveryTime: { kind: 'drill', backup: runs[2]?.backup } });
  });

  it('says so where the backup it rehearsed is partial', async () => {
    const databases = [{ name: 'legacy', command: { dump: 'exit 1', restore: 'cat > restored' } }];
    const rehearsal = { kind: 'drill', every: 'month', on: 2, at: '01:30' };
    writeSchedule(cli.workspace, [...DAILY, rehearsal], { databases });
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2026-03-01T02:00:00Z', 'schedule', 'run');
    const { runs } = await runsAt('2026-03-02T02:00:00Z');
    const message = expect.stringMatching(
      /is partial; entries missing or in doubt: 1, the first: .*legacy/,
    ) as string;
    expect(runs).toMatchObject([{ status: 'partial' }, { kind: 'drill', status: 'done', message }]);
  });

  it('notices damage after the backup it took', async () => {
    writeSchedule(cli.workspace, DAILY);
    await at('2026-03-01T00:00:00Z', 'init', '--yes');
    await at('2026-03-01T02:00:00Z', 'schedule', 'run');
    const [vault = ''] = readdirSync(join(cli.home, 'vaults'));
    const packs = join(cli.home, 'vaults', vault, 'packs');
    const [pack = ''] = readdirSync(packs, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.pack'),
    );
    rmSync(join(packs, pack));
    const { code, runs } = await runsAt('2026-03-02T02:00:00Z');
    expect(code).toBe(4);
    expect(runs).toMatchObject([{ status: 'damaged' }]);
  });
});

describe.skipIf(!hasFaketime)('the rolling sample, with the clock moved', () => {
  it('finds a planted damage within a month, and tells of every backup since when it is known to be right', async () => {
    writeSchedule(cli.workspace, DAILY);
    await at('2027-03-01T00:00:00Z', 'init', '--yes');
    const day = (number: number): string => new Date(Date.UTC(2027, 2, number, 2, 5)).toISOString();
    expect((await runsAt(day(1))).code).toBe(0);
    const [vault = ''] = readdirSync(join(cli.home, 'vaults'));
    const packs = join(cli.home, 'vaults', vault, 'packs');
    const names = readdirSync(packs, { recursive: true, encoding: 'utf8' });
    const pack = join(packs, names.find((name) => name.endsWith('.pack')) ?? '');
    const whole = readFileSync(pack);
    // Its turn may have been today.
    const damagedOne = Buffer.from(whole);
    damagedOne[100] = damagedOne[100]! ^ 1;
    writeFileSync(pack, damagedOne);
    let found = 0;
    for (let number = 2; found === 0 && number <= 29; number++) {
      const { code, runs } = await runsAt(day(number));
      if (code === 4) found = number;
      else expect(runs).toMatchObject([{ status: 'done' }]);
    }
    expect(found).toBeGreaterThan(0);
    // Mended, it is found right; when all was read, the first backup is known to be.
    writeFileSync(pack, whole);
    let verifiedAt: string | null = null;
    for (let number = found + 1; verifiedAt === null && number <= found + 40; number += 7) {
      expect((await runsAt(day(number))).code).toBe(0);
      const { text } = await at(day(number), 'list', '--json');
      verifiedAt =
        (JSON.parse(text) as { backups: { verifiedAt: string | null }[] }).backups.at(-1)?.verifiedAt ?? null;
    }
    expect(Date.parse(verifiedAt ?? '')).toBeGreaterThan(Date.UTC(2027, 2, 1));
  });
});

describe('schedule', () => {
  it('goes on with whatever stands where it remembers what it did', async () => {
    writeSchedule(cli.workspace, DAILY);
    expect((await cli.run(['init', '--yes'])).code).toBe(0);
    expect((await cli.run(['schedule', 'run'])).code).toBe(0);
    const [name = ''] = readdirSync(join(cli.home, 'schedules'));
    const [sample = ''] = readdirSync(join(cli.home, 'verified'));
    const state = join(cli.home, 'schedules', name, 'state.json');
    const good = JSON.parse(readFileSync(state, 'utf8')) as { readonly jobs: readonly object[] };
    const lost = good.jobs.map((job) => ({ ...job, dealtWithUntil: 'yesterday' }));
    const broken = [null, { ...good, jobs: [null, 7, {}, ...lost] }];
    for (const one of broken) {
      writeFileSync(state, JSON.stringify(one));
      writeFileSync(join(cli.home, 'verified', sample), 'null');
      const { code, stderr } = await cli.run(['schedule', 'run']);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    }
  });

  it('remembers a failure it does not know, and shows what a command said so that a terminal obeys none of it', async () => {
    const before = { command: "printf '\\033]0;owned\\007\\033[2J' >&2; exit 1" };
    writeSchedule(cli.workspace, DAILY, { hooks: { before } });
    await cli.must(['init', '--yes']);
    expect((await cli.run(['schedule', 'run'])).code).toBe(1);
    const { text } = await cli.run(['schedule', 'list']);
    expect(text).toContain('failed: The command before the backup of “crm” ended with 1: \\x1b]0;owned');
    expect(text).not.toContain('\u001b');
    writeSchedule(cli.workspace, DAILY, { hooks: { after: { command: 'exit 4' } } });
    rmSync(join(cli.home, 'schedules'), { recursive: true });
    // Where the sample is remembered there is a file.
    writeFileSync(join(cli.home, 'verified'), '');
    expect((await cli.run(['schedule', 'run'])).code).toBe(1);
    const message = expect.stringMatching(/ The command after the backup of “crm” ended with 4\.$/) as string;
    expect((await cli.json(['schedule', 'list'])).value).toMatchObject({
      jobs: [{ lastStatus: 'failed', message }],
    });
  });

  // Others may not raise a priority again.
  it.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'is gentle itself, but what commands leave running is not',
    async () => {
      const started = `nice > ${join(cli.scratch, 'nice')}`;
      writeSchedule(cli.workspace, DAILY, { hooks: { after: { command: started } } });
      await cli.must(['init', '--yes'], ['schedule', 'run']);
      expect(Number(readFileSync(join(cli.scratch, 'nice'), 'utf8'))).toBe(getPriority());
    },
  );

  it('says of an entry outside the off-peak hours that it waits for them, unless it need not', async () => {
    const noon = { kind: 'incremental', every: 'day', at: '12:30' };
    writeSchedule(cli.workspace, [noon, ...DAILY], { offPeak: NIGHT });
    const { text, stderr } = await cli.run(['schedule', 'list', '--json']);
    expect(JSON.parse(text)).toMatchObject({ jobs: [{ waitsForOffPeak: true }, { waitsForOffPeak: false }] });
    expect(stderr.match(/lies outside/g)).toHaveLength(1);
    expect(stderr).toContain('incremental at 12:30');
    writeSchedule(cli.workspace, [{ ...noon, anyTime: true }], { offPeak: NIGHT });
    expect((await cli.run(['schedule', 'list'])).stderr).toBe('');
  });

  it('does what one set has due, with the key that is named, and nothing elsewhere', async () => {
    const scheduled = { files: [{ root: '.' }], schedule: DAILY };
    cli.writeSets({ name: 'crm', ...scheduled }, { name: 'shop', ...scheduled });
    const made = await cli.json(['init', '--yes', '--set', 'crm']);
    const key = join(cli.scratch, 'moved.key');
    renameSync(made.value.keyFile, key);
    const elsewhere = join(cli.scratch, 'elsewhere');
    writeSchedule(elsewhere, DAILY);
    remember(cli.home, { version: 1, workspace: elsewhere, isHandedOver: true, jobs: [] });
    const run = async (...args: readonly string[]): Promise<unknown[]> => {
      const { code, text } = await cli.run(['schedule', 'run', '--json', ...args]);
      const { runs } = JSON.parse(text) as { runs: (Run & { workspace: string })[] };
      return [code, ...runs.map((one) => [one.workspace, one.set, one.status, one.code])];
    };
    expect(await run('--set', 'crm', '--key-file', key)).toEqual([
      0,
      [cli.workspace, 'crm', 'done', undefined],
    ]);
    expect(await run()).toEqual([
      12,
      [cli.workspace, 'shop', 'failed', 'missing-key'],
      [elsewhere, 'crm', 'failed', 'no-vault'],
    ]);
  });

  it.each(['install', 'uninstall'])('takes neither set nor vault nor key to %s', async (command) => {
    for (const option of ['--set', '--vault', '--key-file']) {
      const { code, stderr } = await cli.run(['schedule', command, option, 'x']);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`so it takes no ${option}.`)]);
    }
    expect((await cli.run(['schedule', 'list', '--vault', 'x'])).code).toBe(2);
  });

  it('takes no set that is not there, and no vault', async () => {
    writeSchedule(cli.workspace, DAILY);
    const unknown = await cli.json(['schedule', 'run', '--set', 'crn']);
    expect([unknown.code, unknown.value.error.code]).toEqual([2, 'unknown-set']);
    const vault = await cli.json(['schedule', 'run', '--vault', cli.scratch]);
    expect([vault.code, vault.value.error.code]).toEqual([2, 'usage']);
  });

  it('says so where the system has no scheduler', async () => {
    writeSchedule(cli.workspace, DAILY);
    const { code, value } = await cli.json(['schedule', 'install'], { env: { PATH: cli.scratch } });
    expect([code, value.error.code]).toEqual([1, 'no-scheduler']);
  });

  it('says so when nothing is scheduled', async () => {
    writeSchedule(cli.workspace, []);
    expect((await cli.run(['schedule', 'list'])).text).toContain('Nothing is scheduled');
    expect((await cli.json(['schedule', 'run'])).value).toEqual({ runs: [] });
  });

  it('ends with 10 where there is no set file', async () => {
    expect((await cli.run(['schedule', 'list'])).code).toBe(10);
    expect((await cli.run(['schedule', 'run'])).code).toBe(10);
  });
});
