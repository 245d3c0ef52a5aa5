import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { clockAt, hasFaketime } from '../../build/moved-clock.ts';

const cli = await useCli();

function writeSet(retention: unknown): void {
  cli.writeSets({ name: 'crm', files: [{ root: '.', include: ['*.txt'] }], retention });
}

async function takeBackups(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number++) {
    writeFileSync(join(cli.workspace, 'a.txt'), `version ${number}`);
    ids.unshift((await cli.json(['backup'])).value.id);
  }
  return ids;
}

describe('forget without backups named', () => {
  it('applies the retention, says why the others stay, and can be taken back until a prune', async () => {
    writeSet({ last: 1, yearly: 1 });
    await cli.must(['init', '--yes']);
    const [third = '', second = '', first = ''] = await takeBackups(3);
    await cli.must(['pin', second]);
    const expected = {
      removed: [first],
      kept: [
        { id: third, reasons: ['last', 'yearly'] },
        { id: second, reasons: ['pinned'] },
      ],
    };
    const ids = async (): Promise<string[]> => (await cli.json(['list'])).value.backups.map(({ id }) => id);
    expect((await cli.json(['forget', '--dry-run'])).value).toEqual(expected);
    expect(await ids()).toEqual([third, second, first]);
    const shown = await cli.run(['forget', '--dry-run']);
    expect(shown.text).toMatch(new RegExp(`${third.slice(0, 8)}.*last, yearly\\n`));
    expect(shown.text).toMatch(new RegExp(`${first.slice(0, 8)}.*forgotten\\n`));
    expect(shown.text).toContain('Would forget 1 backup, 2 are kept.');

    expect((await cli.json(['forget'])).value).toEqual({ ...expected, freedBytes: 0 });
    expect(await ids()).toEqual([third, second]);
    expect((await cli.json(['forget', '--undo'])).value).toEqual({ restored: [first] });
    expect(await ids()).toEqual([third, second, first]);
    expect((await cli.run(['cat', first, 'a.txt'])).text).toBe('version 0');

    await cli.must(['forget'], ['forget', '--undo', first.slice(0, 8)], ['forget'], ['prune']);
    expect((await cli.json(['forget', '--undo'])).value).toEqual({ restored: [] });
    expect((await cli.json(['forget', '--undo', first])).code).toBe(1);
  });

  it('keeps everything when there are no rules, and says so', async () => {
    writeSet(undefined);
    await cli.must(['init', '--yes']);
    const [only = ''] = await takeBackups(1);
    const { code, stderr, text } = await cli.run(['forget', '--json']);
    expect([code, JSON.parse(text)]).toEqual([
      0,
      { removed: [], kept: [{ id: only, reasons: ['no-rules'] }], freedBytes: 0 },
    ]);
    expect(stderr).toContain('Set “crm” has no “retention” in its set file, so all its backups are kept.');
  });

  it.each([
    [{ within: '3 weeks' }, '“within” must be a length of time, as “30d”, “1y6m” or “2d12h” (y, m, d, h)'],
    [{ within: '0d' }, '“within” must be longer than nothing'],
    [{ safetyDays: -1, last: 1 }, '“safetyDays” must not be negative'],
    [{ safetyDays: 3 }, '“retention” keeps no backup at all; leave it out to keep every one'],
    [{ fortnightly: 2 }, 'fortnightly'],
  ])('refuses %j with the place and a sentence', async (retention, sentence) => {
    writeSet(retention);
    const { code, stderr } = await cli.run(['forget']);
    expect(code).toBe(1);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/line 1, column \d+/);
  });
});

describe.skipIf(!hasFaketime)('with the clock moved', () => {
  async function backupAt(moment: string): Promise<string> {
    writeFileSync(join(cli.workspace, 'a.txt'), moment);
    return (await cli.json(['backup'], { env: clockAt(moment) })).value.id;
  }

  it('counts days, weeks and months by the calendar, and loses nothing to a clock that had jumped ahead', async () => {
    writeSet({ daily: 2, weekly: 2, monthly: 2 });
    await cli.must(['init', '--yes']);
    const january = await backupAt('2026-01-31T12:00:00Z');
    const gone = await backupAt('2026-02-09T12:00:00Z');
    const sunday = await backupAt('2026-02-15T12:00:00Z');
    const ahead = await backupAt('2031-01-01T12:00:00Z');
    const monday = await backupAt('2026-02-16T12:00:00Z');
    const { code, text, stderr } = await cli.run(['forget', '--json'], {
      env: clockAt('2026-02-16T13:00:00Z'),
    });
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({
      removed: [gone],
      kept: [
        { id: ahead, reasons: ['in-the-future'] },
        { id: monday, reasons: ['daily', 'weekly', 'monthly'] },
        { id: sunday, reasons: ['daily', 'weekly'] },
        { id: january, reasons: ['monthly'] },
      ],
    });
    expect(stderr).toContain(
      '1 backup is dated later than now and stays: this computer’s clock was, or is, wrong.',
    );
    // What was forgotten stays a week, then nothing large enough is there to be freed.
    expect((await cli.json(['forget', '--undo'], { env: clockAt('2026-03-30T12:00:00Z') })).value).toEqual({
      restored: [gone],
    });
  });
});
