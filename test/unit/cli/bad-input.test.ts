import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalStorage } from '../../../src/core/storage/local.ts';
import { lockVault } from '../../../src/core/vault/lock.ts';
import { type CliRun, useCli } from '../../build/cli.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { mayMountDisks, smallDisk } from '../../build/small-disk.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

const cli = await useCli();
const setFile = join(cli.workspace, '.vscode/crm-backup.json');

/** Sets up a workspace with one file and a vault; the vault's folder. */
async function setUp(): Promise<string> {
  makeTree(cli.workspace, treeOf({ a: 'one\n' }));
  return (await cli.json(['init', '--yes'])).value.vault;
}

/** Runs a command that must fail; checks that both ways of telling say the same. */
async function fails(args: readonly string[], expected: { code: number; error: string }): Promise<string> {
  const run = await cli.run(args);
  expect(run.code).toBe(expected.code);
  expect(run.text).toBe('');
  const { code, value } = await cli.json(['--json', ...args]);
  expect(code).toBe(expected.code);
  expect(value.error.code).toBe(expected.error);
  const { message, hint } = value.error;
  // Objects that are being written have random names.
  const sentence = (text: string): string => text.replace(/([0-9a-f]{2}\/)?[0-9a-f]{24,}/g, 'NAME');
  expect(sentence(run.stderr).startsWith(`crm-backup: ${sentence(message)}\n`)).toBe(true);
  if (hint !== null) expect(run.stderr.endsWith(`hint: ${hint}\n`)).toBe(true);
  expect(run.stderr).not.toMatch(/\n\s+at /);
  return run.stderr;
}

describe('wrong usage', () => {
  it.each([
    [[], 'no command was given'],
    [['help', 'nope'], 'there is no command “nope”'],
    [['help', 'key', 'nope'], 'there is no command “key nope”'],
    [['help', 'list', 'nope'], 'there is no command “list nope”'],
    [['verify', '--level', 'quick', '--sample', '10%'], '“--level quick” reads no data'],
    [['restore', 'latest', '--overwrite'], '--overwrite is for --to and'],
    [['restore', 'latest', 'databases', '--no-databases'], '--no-databases and a path of a database'],
    [['lst'], "unknown command 'lst'"],
    [['list', '--jsno'], "unknown option '--jsno'"],
    [['list', 'extra'], 'too many arguments'],
    [['show'], "missing required argument 'backup'"],
    [['backup', '--kind', 'half'], "argument 'half' is invalid"],
    [['list', '--set'], "option '--set <name>' argument missing"],
    [['key', 'recover'], "unknown command 'recover'"],
  ])('of %j says what is wrong', async (args, sentence) => {
    expect(await fails(args, { code: 2, error: 'usage' })).toContain(sentence);
  });

  it('suggests what may have been meant', async () => {
    expect((await cli.run(['bakup'])).stderr).toContain('Did you mean backup?');
    expect((await cli.run(['list', '--jsno'])).stderr).toContain('Did you mean --json?');
  });

  it('is not asking for help or the version', async () => {
    const help = await cli.run(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.text).toContain('Usage: crm-backup');
    for (const args of [
      ['help', 'diff'],
      ['diff', '--help'],
      ['diff', '-h'],
    ]) {
      expect((await cli.run(args)).text).toContain('--patch');
    }
    for (const args of [
      ['help', 'key', 'recovery'],
      ['--json', 'help', 'key', 'recovery'],
      ['key', 'recovery', '--help'],
    ]) {
      const { code, text } = await cli.run(args);
      expect([code, text]).toEqual([0, expect.stringContaining('--out <file>')]);
    }
    expect((await cli.run(['help', 'key'])).text).toMatch(/recovery[^]*passphrase/);
    expect((await cli.run(['help'])).text).toBe(help.text);
    expect((await cli.run(['--version'])).text).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the set file', () => {
  it('that is missing is said to be, with what to do', async () => {
    for (const args of [['list'], ['backup'], ['restore', 'latest'], ['diff', 'latest', '--workspace']]) {
      expect(await fails(args, { code: 10, error: 'no-set-file' })).toContain('crm-backup init');
    }
    await fails(['list', '-C', '/nowhere'], { code: 10, error: 'no-set-file' });
  });

  it('with mistakes is told with the line and column of each', async () => {
    await setUp();
    writeFileSync(
      setFile,
      '{\n  "version": 1,\n  "sets": [{ "name": "crm", "flies": [], "fullEvery": "x" }]\n}',
    );
    const stderr = await fails(['backup'], { code: 1, error: 'invalid-set-file' });
    expect(stderr).toContain('  line 3, column 29: unknown key “flies”; did you mean “files”?\n');
    expect(stderr).toMatch(/ {2}line 3, column \d+: “fullEvery” must be a number/);
    expect((await cli.json(['backup'])).value.error).toMatchObject({
      issues: [{ line: 3, column: 12 }, { line: 3, column: 29 }, { line: 3 }],
    });
    writeFileSync(setFile, '{ "version": 1, "sets": [');
    await fails(['list'], { code: 1, error: 'invalid-set-file' });
  });

  it('with a variable that is not set, or nothing to back up, fails before anything is written', async () => {
    await setUp();
    const withRoot = (root: string): void => cli.writeSets({ name: 'crm', files: [{ root }] });
    withRoot('${env:NOT_SET}/data');
    expect(await fails(['backup'], { code: 1, error: 'missing-variable' })).toContain('NOT_SET');
    mkdirSync(join(cli.workspace, 'empty'));
    withRoot('empty');
    await fails(['backup'], { code: 1, error: 'nothing-to-back-up' });
    withRoot('gone');
    await fails(['backup'], { code: 1, error: 'nothing-to-back-up' });
    expect((await cli.json(['list'])).value.backups).toEqual([]);
  });
});

describe('a backup that is not there', () => {
  it('is told apart from one that was named badly', async () => {
    await setUp();
    await fails(['show', 'latest'], { code: 1, error: 'unknown-backup' });
    await cli.must(['backup']);
    await fails(['show', '0123456789'], { code: 1, error: 'unknown-backup' });
    await fails(['show', 'abc'], { code: 1, error: 'unknown-backup' });
    await fails(['show', 'latest~1'], { code: 1, error: 'unknown-backup' });
    await fails(['ls', 'latest', 'files/other'], { code: 1, error: 'unknown-entry' });
    await fails(['ls', 'latest', '/etc'], { code: 2, error: 'usage' });
    await fails(['list', '--set', 'other'], { code: 2, error: 'unknown-set' });
  });
});

describe('a vault', () => {
  it('of a newer format asks for an update', async () => {
    const vault = await setUp();
    await cli.must(['backup']);
    const file = join(vault, 'vault.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, format: 2 }));
    // A newer version would have written its keys anew, too.
    rmSync(join(vault, 'keys'), { recursive: true });
    for (const args of [['list'], ['backup']]) {
      expect(await fails(args, { code: 1, error: 'newer-format' })).toContain('Update CRM Backup');
    }
  });

  it('cannot be opened without its key, which is said of a missing, a wrong and a broken one', async () => {
    const vault = await setUp();
    await cli.must(['backup']);
    const other = join(cli.scratch, 'other.key');
    await cli.must(['init', '-C', '../scratch', '--vault', join(cli.scratch, 'vault'), '--key-file', other]);
    for (const command of ['list', 'backup']) {
      await fails([command, '--key-file', other], { code: 12, error: 'wrong-key' });
      await fails([command, '--key-file', setFile], { code: 12, error: 'invalid-key' });
      await fails([command, '--key-file', '/nowhere'], { code: 12, error: 'missing-key' });
    }
    rmSync(join(cli.home, 'keys'), { recursive: true });
    await fails(['list', '--vault', vault], { code: 12, error: 'missing-key' });
    await fails(['init'], { code: 12, error: 'missing-key' });
  });

  it('that is gone or was never made is no vault', async () => {
    const vault = await setUp();
    await cli.must(['backup']);
    renameSync(vault, `${vault}-away`);
    for (const args of [['list'], ['backup']]) {
      expect(await fails(args, { code: 10, error: 'no-vault' })).toContain('is not there any more');
    }
    // Nothing was begun in its place.
    expect(readdirSync(join(cli.home, 'vaults')).length).toBe(1);
    renameSync(`${vault}-away`, vault);
    await cli.must(['list']);
    for (const place of ['/nowhere', join(cli.workspace, 'a')]) {
      expect(await fails(['list', '--vault', place], { code: 10, error: 'no-vault' })).toContain(place);
    }
  });

  it('with damage is told to have it, and what is whole can still be read', async () => {
    const vault = await setUp();
    const first = (await cli.json(['backup'])).value.id;
    writeFileSync(join(cli.workspace, 'a'), 'two\n');
    const second = (await cli.json(['backup'])).value.id;
    writeFileSync(join(vault, 'backups', second), 'not a record');
    const { code, stderr, text } = await cli.run(['list']);
    expect(code).toBe(0);
    expect(stderr).toContain('1 backup cannot be read');
    expect(text).toContain(first.slice(0, 8));
    await fails(['show', second], { code: 4, error: 'damaged' });
    expect((await cli.run(['cat', first, 'a'])).text).toBe('one\n');
  });

  it('that is remote is not supported yet', async () => {
    await setUp();
    for (const args of [
      ['list', '--vault', 'rclone:drive:crm'],
      ['init', '--vault', 'rclone:drive:crm'],
    ]) {
      await fails(args, { code: 1, error: 'remote-not-supported' });
    }
  });
});

describe('a vault in use', () => {
  it('by many backups serves them all', async () => {
    await setUp();
    makeTree(
      cli.workspace,
      treeOf(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}`, noiseOf(at, 20_000)]))),
    );
    const runs = await Promise.all(
      [1, 2, 3].map((number) => cli.json(['backup', '--label', `run ${number}`])),
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const { backups } = (await cli.json(['list'])).value;
    expect(backups.map(({ label }) => label).sort()).toEqual(['run 1', 'run 2', 'run 3']);
    for (const { id } of backups)
      expect((await cli.run(['cat', id, 'f49'])).stdout).toEqual(noiseOf(49, 20_000));
  });

  it('by prune, or by others while it is to be pruned, is locked', async () => {
    const vault = await setUp();
    await cli.must(['backup']);
    const storage = new LocalStorage(vault);
    let backup: CliRun;
    {
      await using _lock = await lockVault(storage, 'exclusive', { purpose: 'a long prune' });
      // Reading goes on meanwhile.
      await cli.must(['list'], ['cat', 'latest', 'a']);
      backup = await cli.run(['backup', '--json']);
    }
    expect(backup.code).toBe(11);
    expect(backup.text).toContain('"code":"locked"');
    expect(backup.stderr).toContain('a long prune');
    await using _lock = await lockVault(storage, 'shared', { purpose: 'a backup' });
    expect((await cli.run(['prune'])).code).toBe(11);
  });
});

describe('a full disk', () => {
  it('stops a backup cleanly; earlier ones stay, and with space it works again', async ({ skip }) => {
    const disk = join(cli.scratch, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      skip('file systems cannot be mounted here');
    }
    try {
      makeTree(cli.workspace, treeOf({ a: 'one\n' }));
      await cli.must(['init', '--vault', join(disk, 'vault')], ['backup']);
      writeFileSync(join(cli.workspace, 'large'), noiseOf(1, 8_000_000));
      const stderr = await fails(['backup'], { code: 1, error: 'no-space' });
      expect(stderr).toContain('the disk is full');
      expect((await cli.json(['list'])).value.backups.length).toBe(1);
      expect((await cli.run(['cat', 'latest', 'a'])).text).toBe('one\n');
      expect((await cli.json(['doctor'])).code).toBe(1);
      rmSync(join(cli.workspace, 'large'));
      await cli.must(['prune'], ['backup']);
      // A restore to a full disk leaves it as it was.
      await cli.must(['init', '--name', 'second', '--vault', join(cli.scratch, 'vault')]);
      writeFileSync(join(cli.workspace, 'large'), noiseOf(1, 8_000_000));
      await cli.must(['backup', '--set', 'second']);
      await fails(['restore', 'latest', '--set', 'second', '--to', join(disk, 'out')], {
        code: 1,
        error: 'no-space',
      });
      expect(readdirSync(disk)).not.toContain('out');
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });

  it.skipIf(!mayMountDisks())('is never to be mended with a command that it stops', async () => {
    using disk = smallDisk(3_000_000)!;
    makeTree(cli.workspace, treeOf({ a: 'one\n' }));
    await cli.must(['init', '--vault', join(disk.path, 'vault')], ['backup']);
    writeFileSync(join(cli.workspace, 'large'), noiseOf(1, 8_000_000));
    expect(await fails(['backup'], { code: 1, error: 'no-space' })).toContain('crm-backup prune');
    using _filled = disk.fill(0);
    for (const args of [['backup'], ['forget', 'latest'], ['prune'], ['repair']]) {
      const stderr = await fails(args, { code: 1, error: 'no-space' });
      expect(stderr).toContain('could not write locks/');
      expect(stderr).toContain('hint: Free some space there');
      expect(stderr).not.toContain('prune');
    }
  });
});

describe.skipIf(!mayMountDisks())('a read-only disk', () => {
  it('lets all be done that needs to write nothing', async () => {
    using disk = smallDisk(3_000_000)!;
    makeTree(cli.workspace, treeOf({ a: 'one\n' }));
    await cli.must(['init', '--vault', join(disk.path, 'vault')], ['backup']);
    disk.makeReadOnly();
    await cli.must(
      ['restore', 'latest', '--to', join(cli.scratch, 'out')],
      ['backup', '--dry-run'],
      ['prune', '--dry-run'],
      ['repair', '--dry-run'],
      ['forget', 'latest', '--dry-run'],
    );
    for (const args of [[], ['--level', 'drill'], ['--sample', '50%']]) {
      expect(await cli.run(['verify', ...args])).toMatchObject({ code: 0, stderr: '' });
    }
    const data = await cli.run(['verify', '--level', 'data']);
    expect(data.code).toBe(0);
    expect(data.stderr).toMatch(/No backup was marked as verified: .* the disk is mounted read-only\.\n$/);
    expect(await fails(['backup'], { code: 1, error: 'permission' })).toContain('mounted read-only');
  });
});
