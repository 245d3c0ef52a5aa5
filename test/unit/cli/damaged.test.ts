import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Cli, useCli } from '../../build/cli.ts';

const cli = await useCli();

/** Two backups of some files; the second has one more, `new.txt`, and a list of its own. */
async function twoBackups(): Promise<{ first: string; second: string; vault: string; packs: string[] }> {
  for (let file = 0; file < 20; file++) writeFileSync(join(cli.workspace, `${file}.txt`), `text ${file}`);
  await cli.must(['init', '--yes']);
  const { vault } = (await cli.json(['init'])).value;
  const first = (await cli.json(['backup'])).value.id;
  const before = packsIn(vault);
  writeFileSync(join(cli.workspace, 'new.txt'), 'needle');
  const second = (await cli.json(['backup'])).value.id;
  return { first, second, vault, packs: packsIn(vault).filter((name) => !before.includes(name)) };
}

function packsIn(vault: string): string[] {
  return readdirSync(join(vault, 'packs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join(vault, 'packs', name));
}

/** Changes one byte of a file, at a share of its length. */
function flipByte(file: string, share = 0.5): void {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.length * share);
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(file, bytes);
}

/** Damages a record, and forgets what the user's cache knew of it. */
function damageRecord({ cache }: Cli, vault: string, id: string): void {
  flipByte(join(vault, 'backups', id));
  rmSync(join(cache, 'records'), { recursive: true, force: true });
}

describe('a backup whose record cannot be read', () => {
  it('is told wherever it would have counted', async () => {
    const { second, vault } = await twoBackups();
    damageRecord(cli, vault, second);
    const told = `warning: 1 backup cannot be read (${second.slice(0, 8)})`;
    for (const [exitCode, ...args] of [
      [3, 'log', 'new.txt'],
      [3, 'log', '1.txt'],
      [3, 'log', '--follow', 'new.txt'],
      [3, 'log', '--follow', '1.txt'],
      [3, 'log', '--lines', 'new.txt'],
      [3, 'log', '--lines', '1.txt'],
      [3, 'find', 'new.txt'],
      [3, 'find', '--text', 'needle'],
      [0, 'forget', '--dry-run'],
      [0, 'stats'],
      [0, 'list'],
    ] as const) {
      const { code, stderr } = await cli.run([...args]);
      expect([code, stderr], args.join(' ')).toEqual([exitCode, expect.stringContaining(told)]);
    }
    for (const how of [[], ['--follow'], ['--lines']]) {
      const { value } = await cli.json(['log', ...how, 'new.txt']);
      expect(value).toMatchObject({ path: 'files/workspace/new.txt' });
    }
    const { text } = await cli.run(['stats']);
    expect(text).not.toContain('prune');
    expect((await cli.run(['prune'])).code).toBe(4);
  });

  it('is not taken for none where it is the only one', async () => {
    const { first, second, vault } = await twoBackups();
    damageRecord(cli, vault, first);
    damageRecord(cli, vault, second);
    expect((await cli.run(['log', '1.txt'])).code).toBe(3);
    expect((await cli.run(['list'])).text).not.toContain('take one');
    expect((await cli.run(['show', 'latest'])).stderr).toContain('no backup of set');
  });
});

describe('a backup whose list of entries is damaged', () => {
  it('does not make the history say that no backup has a path', async () => {
    const { second, packs } = await twoBackups();
    for (const pack of packs) renameSync(pack, `${pack}.away`);
    const told = `1 backup could not be searched as a whole, for parts are lost: ${second.slice(0, 8)}.`;
    for (const how of [[], ['--follow'], ['--lines']]) {
      const { code, stderr } = await cli.run(['log', ...how, 'new.txt']);
      expect([code, stderr], how.join(' ')).toEqual([3, `warning: ${told}\n`]);
    }
    for (const pack of packs) renameSync(`${pack}.away`, pack);
    const { code, stderr } = await cli.run(['log', 'no-such.txt']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('No backup has')]);
  });

  it('has lost as many paths as it had named', async () => {
    const { second, packs } = await twoBackups();
    const { entries } = (await cli.json(['ls', 'latest', '--recursive'])).value;
    for (const pack of packs) rmSync(pack);
    // What is counted against it seems to be new.
    const next = await cli.run(['backup', '--dry-run']);
    expect([next.code, next.text]).toEqual([0, expect.stringMatching(/cannot be read; .* counts as added/)]);
    const { value } = await cli.json(['verify']);
    const list = { root: 'files/workspace', path: 'files/workspace', parts: 1, entries: entries.length };
    expect(value.damage).toMatchObject([
      { backups: [second], paths: [], lists: [list], pathCount: entries.length },
    ]);
    const told = `      ${entries.length} entries of files/workspace, from its beginning on: the list`;
    for (const command of ['verify', 'repair']) {
      const { code, text } = await cli.run([command]);
      expect([code, text]).toEqual([4, expect.stringContaining(told)]);
      expect(text).toMatch(new RegExp(` ${entries.length} paths`));
    }
    expect((await cli.run(['list'])).text).toContain(`lost ${entries.length} paths`);
  });
});
