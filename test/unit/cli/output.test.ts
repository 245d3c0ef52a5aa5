import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

const cli = await useCli();
const setFile = join(cli.workspace, '.vscode/crm-backup.json');

describe.skipIf(process.platform === 'win32')('output that cannot be written', () => {
  /** Runs a command in a shell that sets things up before and says where its output goes. */
  function shell(
    before: string,
    args: readonly string[],
    to: string,
  ): { status: number | null; stderr: string } {
    const line = `${before}; "$0" "$@" ${to}`;
    const env = { PATH: process.env['PATH'], CRM_BACKUP_HOME: cli.home, CRM_BACKUP_CACHE: cli.cache };
    const options = { cwd: cli.workspace, env, encoding: 'utf8' } as const;
    return spawnSync('bash', ['--norc', '-c', line, process.execPath, cli.script, ...args], options);
  }

  it('is a failure of one sentence', async ({ skip }) => {
    const large = noiseOf(1, 2_000_000);
    writeFileSync(join(cli.workspace, 'large'), large);
    for (let number = 0; number < 300; number++)
      writeFileSync(join(cli.workspace, `a file of a long name ${number}`), '');
    await cli.must(['init', '--yes'], ['backup']);
    const to = join(cli.scratch, 'out');
    const tooLarge =
      /^crm-backup: The output could not be written: the file may not get any larger\.\nhint: .+\n$/;
    // All that is written, in one go or in several; the unit of the limit is 1 KiB.
    for (const [kib, args] of [
      [8, ['ls', '-r', 'latest', '--json']],
      [8, ['ls', '-r', 'latest']],
      [1000, ['cat', 'latest', 'large']],
      [20, ['cat', 'latest', 'large']],
    ] as const) {
      const { status, stderr } = shell(`ulimit -f ${kib}`, args, `> '${to}'`);
      expect([status, stderr], args.join(' ')).toEqual([1, expect.stringMatching(tooLarge)]);
      expect(statSync(to).size).toBeLessThanOrEqual(kib * 1024);
    }
    const whole = shell(':', ['cat', 'latest', 'large'], `> '${to}'`);
    expect([whole.status, whole.stderr]).toEqual([0, '']);
    expect(readFileSync(to).equals(large)).toBe(true);
    if (!existsSync('/dev/full')) skip('there is no disk that is always full');
    const full = /^crm-backup: The output could not be written: the disk is full\.\nhint: .+\n$/;
    for (const args of [['ls', 'latest'], ['ls', 'latest', '--json'], ['--help']]) {
      const { status, stderr } = shell(':', args, '> /dev/full');
      expect([status, stderr], args.join(' ')).toEqual([1, expect.stringMatching(full)]);
    }
    // What failed first is told first, and decides the exit code; what stderr does not take is lost.
    const unknown = shell(':', ['ls', 'nonsense', '--json'], '> /dev/full');
    expect(unknown.status).toBe((await cli.run(['ls', 'nonsense'])).code);
    expect(unknown.stderr).not.toMatch(/\n\s+at /);
    expect(shell(':', ['ls', 'nonsense'], '2> /dev/full').status).toBe(unknown.status);
    expect(shell(':', ['backup', '--kind', 'full'], '2> /dev/full').status).toBe(0);
  });
});

describe('what is printed', () => {
  it('never holds a secret', async () => {
    const passphrase = 'correct horse battery';
    const env = {
      CRM_BACKUP_PASSPHRASE: passphrase,
      CRM_BACKUP_SECRET_DB: 'hunter2',
      DB_PASSWORD: 'hunter3',
    };
    makeTree(cli.workspace, treeOf({ a: 'one\n' }));
    await cli.run(['init'], { env });
    const { sets } = JSON.parse(readFileSync(setFile, 'utf8').replace(/^\/\/.*/, '')) as { sets: object[] };
    const databases = [
      { name: 'one', url: 'mysql://crm:${env:DB_PASSWORD}@127.0.0.1:1/crm' },
      { name: 'two', url: 'postgresql://crm:${secret:DB}@127.0.0.1:1/crm' },
    ];
    cli.writeSets({ ...sets[0], databases });
    const [keyName = ''] = readdirSync(join(cli.home, 'keys'));
    const key = readFileSync(join(cli.home, 'keys', keyName), 'utf8')
      .split('\n')
      .filter((line) => /^[0-9A-Z-]{20,}$/.test(line));
    expect(key.length).toBe(2);
    const commands = [
      ['backup'],
      ['backup', '--json'],
      ['list', '--json'],
      ['show', 'latest', '--json'],
      ['doctor', '--json'],
      ['restore', 'latest', '--json'],
      ['list', '--key-file', setFile],
      ['key', 'passphrase', '--json'],
      ['nonsense'],
    ];
    for (const args of commands) {
      for (const more of [env, { ...env, CRM_BACKUP_PASSPHRASE: 'a wrong passphrase' }]) {
        const run = await cli.run(args, {
          env: { ...more, CRM_BACKUP_DEBUG: '1' },
          input: 'a new passphrase\n',
        });
        const printed = run.text + run.stderr;
        for (const secret of [
          passphrase,
          'a wrong passphrase',
          'a new passphrase',
          'hunter2',
          'hunter3',
          ...key,
        ]) {
          expect(printed).not.toContain(secret);
        }
      }
    }
  });

  it('shows the names of files so that a terminal obeys none of them, and keeps them exact in JSON', async () => {
    const names = ['\u001b[31mred\u001b]0;title\u0007', 'new\nline', '😀', 'caf\udce9', '\u202egnp.exe'];
    makeTree(cli.workspace, treeOf(Object.fromEntries(names.map((name) => [name, '']))));
    await cli.must(['init'], ['backup', '--label', 'evil \u001b[2J label']);
    const paths = names.map((name) => `files/workspace/${name}`);
    const listed = (await cli.json(['ls', 'latest', '-r'])).value.entries.map(({ path }) => path);
    expect(listed).toEqual(expect.arrayContaining(paths));
    expect((await cli.json(['find', '*'])).value.matches.map(({ path }) => path)).toEqual(
      expect.arrayContaining(paths),
    );
    for (const name of names) {
      rmSync(Buffer.concat([Buffer.from(`${cli.workspace}/`), nameBytes(name)]));
    }
    const commands = [
      ['ls', 'latest', '-r'],
      ['find', '*'],
      ['diff', 'latest'],
      ['diff', 'latest', '--workspace'],
      ['diff', 'latest', '--patch'],
      ['list'],
      ['show', 'latest'],
      ['cat', 'latest', names[0]!],
      ['ls', 'latest', `${names[0]!}x`],
      ['init', '--name', 'a/\u001b[2J'],
      [names[0]!],
    ];
    for (const args of commands) {
      const run = await cli.run(args);
      const printed = run.text + run.stderr;
      expect(printed.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e\ufffd]/u);
    }
    expect((await cli.run(['ls', 'latest', '-r'])).text).toContain('\n');
  });

  it('may be cut off by a reader who has seen enough', async () => {
    makeTree(
      cli.workspace,
      treeOf(
        Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`file-with-a-long-name-${at}`, ''])),
      ),
    );
    await cli.must(['init'], ['backup']);
    const command = `'${process.execPath}' '${cli.script}' ls latest -r | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const output = execFileSync('bash', ['-c', command], {
      cwd: cli.workspace,
      env: { PATH: process.env['PATH'], CRM_BACKUP_HOME: cli.home },
      encoding: 'utf8',
    });
    expect(output).toMatch(/^d.*files\/workspace\/\n0\n$/);
  });
});

function nameBytes(name: string): Buffer {
  return name === 'caf\udce9' ? Buffer.from('caf\xe9', 'latin1') : Buffer.from(name);
}
