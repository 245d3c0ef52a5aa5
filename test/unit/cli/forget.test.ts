import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';

vi.setConfig({ testTimeout: 120_000 });

let cli: Cli;
beforeAll(async () => {
  cli = await buildCli();
});
afterAll(() => cli[Symbol.asyncDispose]());
beforeEach(() => {
  for (const folder of [cli.workspace, cli.home]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(cli.workspace, '.vscode'), { recursive: true });
});

function writeSet(retention: unknown): void {
  const set = { name: 'crm', files: [{ root: '.', include: ['*.txt'] }], retention };
  writeFileSync(join(cli.workspace, '.vscode/crm-backup.json'), JSON.stringify({ version: 1, sets: [set] }));
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
