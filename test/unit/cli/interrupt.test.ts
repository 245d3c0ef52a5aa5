import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

let cli: Cli;
let vault: string;
beforeEach(async () => {
  cli = await buildCli();
  makeTree(cli.workspace, treeOf({ a: 'one\n' }));
  vault = (await cli.json(['init', '--yes'])).value.vault;
});
afterEach(() => cli[Symbol.asyncDispose]());

/** A file that takes seconds to read and no space. */
function addHugeFile(): void {
  const file = join(cli.workspace, 'huge');
  writeFileSync(file, '');
  truncateSync(file, 20 * 1024 ** 3);
}

/** Waits until a backup has taken its lock, and so is under way. */
async function untilLocked(): Promise<void> {
  const locks = join(vault, 'locks');
  while (!existsSync(locks) || readdirSync(locks).length === 0) await delay(5);
  await delay(100);
}

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '(%s) stops a backup and leaves nothing half-visible',
    async (signal) => {
      addHugeFile();
      const { code, stderr, text } = await cli.run(['backup', '--json'], {
        started: (process) => void untilLocked().then(() => process.kill(signal)),
      });
      expect(code).toBe(130);
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'cancelled' } });
      expect(stderr).toContain('crm-backup: ');
      expect(readdirSync(join(vault, 'locks'))).toEqual([]);
      expect((await cli.json(['list'])).value.backups).toEqual([]);
      truncateSync(join(cli.workspace, 'huge'), 10);
      await cli.must(['backup'], ['prune']);
    },
  );

  it('twice ends the process at once; what that leaves harms nobody', async () => {
    addHugeFile();
    const { code } = await cli.run(['backup'], {
      started: (process) =>
        void untilLocked().then(async () => {
          process.kill('SIGINT');
          // Two signals at the same time count as one.
          await delay(1);
          for (let times = 0; times < 50; times++) {
            process.kill('SIGINT');
            await delay(5);
          }
        }),
    });
    expect(code).toBe(130);
    truncateSync(join(cli.workspace, 'huge'), 10);
    expect((await cli.json(['list'])).value.backups).toEqual([]);
    await cli.must(['backup'], ['prune']);
  });
});

const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

describe.runIf(hasTerminal)('on a terminal', () => {
  /**
   * Runs a command line on a terminal of its own and types each answer once its question is shown; everything that was
   * shown, and the exit code.
   */
  async function onTerminal(
    args: string,
    {
      env = {},
      answers = [],
    }: { env?: Record<string, string>; answers?: readonly (readonly [string, string])[] } = {},
  ): Promise<{ shown: string; code: number }> {
    const command = `stty cols 100; '${process.execPath}' '${cli.script}' ${args}; echo "ended with $?"`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: cli.workspace,
      env: { PATH: process.env['PATH'], CRM_BACKUP_HOME: cli.home, TERM: 'xterm', SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const left = [...answers];
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
      const [question, answer] = left[0] ?? [];
      if (question === undefined || !shown.includes(question)) return;
      left.shift();
      child.stdin.write(answer);
    });
    await new Promise((resolve) => child.once('close', resolve));
    return { shown, code: Number(/ended with (\d+)/.exec(shown)?.[1]) };
  }

  it('shows a progress bar and colours, unless told not to', async () => {
    // Enough for the work to outlast the moment before a bar is shown.
    const many = Array.from({ length: 20_000 }, (_, at) => [`f${at}`, `${at}`] as const);
    makeTree(cli.workspace, treeOf(Object.fromEntries(many)));
    const { shown, code } = await onTerminal('backup --kind full');
    expect(code).toBe(0);
    expect(['read', 'store'].some((phase) => shown.includes(`\r\u001b[K${phase} `))).toBe(true);
    expect(shown).toContain('\u001b[36m');
    expect((await onTerminal('backup --kind full --quiet')).shown.trim()).toBe('ended with 0');
    expect((await onTerminal('list --no-color')).shown).not.toContain('\u001b[');
    expect((await onTerminal('list', { env: { NO_COLOR: '1' } })).shown).not.toContain('\u001b[');
  });

  it('asks before it sets up anything', async () => {
    const fresh = join(cli.scratch, 'fresh');
    mkdirSync(fresh);
    for (const answer of ['n\r', '\u0003', '\u0004']) {
      expect((await onTerminal(`init -C '${fresh}'`, { answers: [['Go ahead?', answer]] })).code).toBe(130);
      expect(readdirSync(fresh)).toEqual([]);
    }
    expect((await onTerminal(`init -C '${fresh}'`, { answers: [['Go ahead?', 'y\r']] })).code).toBe(0);
    expect(existsSync(join(fresh, '.vscode/crm-backup.json'))).toBe(true);
  });

  it('does not show a passphrase that is typed', async () => {
    const type = (first: string, second: string): ReturnType<typeof onTerminal> =>
      onTerminal('key passphrase', {
        answers: [
          ['New passphrase:', first],
          ['Again:', second],
        ],
      });
    const twice = await type('correct horse battery\r', 'correct horse battery\r');
    expect(twice.code).toBe(0);
    expect(twice.shown).not.toContain('horse');
    expect((await type('one passphrase\r', 'another passphrase\r')).code).toBe(2);
    expect((await type('one passphrase\rone passphrase\r', '')).code).toBe(0);
    expect((await type('one passphrase\r', '\u0003')).code).toBe(130);
  });
});
