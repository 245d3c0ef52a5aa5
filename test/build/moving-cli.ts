import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildForNode } from './bundle.ts';
import { clockFromFile } from './moved-clock.ts';
import { temporaryFolder } from './tree.ts';

/** What a command came to. */
export interface MovingRun {
  readonly code: number;
  /** stdout. */
  readonly text: string;
  /** What time the process believed it was when the command had ended. */
  readonly now: Date;
}

/** The command line in one process that lives through a long time: `await using cli = await buildMovingCli(zone)`. */
export interface MovingCli extends AsyncDisposable {
  readonly workspace: string;
  readonly home: string;
  /** From now on it is that time for the process, and goes on from there. @param wallTime `2026-03-29 04:30:00` */
  moveTo(wallTime: string): void;
  /** Runs a command. */
  run(...args: readonly string[]): Promise<MovingRun>;
}

/**
 * Starts the command line, its own functions from arguments to exit code, in a process of which libfaketime moves the
 * clock. What a command starts anew in a process of its own is started anew here, too, except for the modules.
 */
export async function buildMovingCli(zone: string): Promise<MovingCli> {
  const built = await buildForNode('test/build/command-server.ts');
  const folder = temporaryFolder();
  const [workspace, home, clock] = ['workspace', 'home', 'clock'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(workspace);
  const moveTo = (wallTime: string): void => writeFileSync(clock, `@${wallTime}\n`);
  moveTo('2025-01-01 00:00:00');
  const child = spawn(process.execPath, [built.script], {
    cwd: workspace,
    env: {
      PATH: process.env['PATH'],
      HOME: folder.path,
      CRM_BACKUP_HOME: home,
      ...clockFromFile(clock, zone),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const gone = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`The command line ended with ${code}: ${said}`)));
  });
  gone.catch(() => undefined);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part));
  let printed = '';
  let heard = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    printed += part;
    heard();
  });
  return {
    workspace,
    home,
    moveTo,
    async run(...args) {
      printed = '';
      const ended = new Promise<MovingRun>((resolve) => {
        heard = () => {
          const [text, end, rest] = printed.split('\0');
          if (rest === undefined) return;
          const { code, nowMs } = JSON.parse(end!) as { code: number; nowMs: number };
          resolve({ code, text: text!, now: new Date(nowMs) });
        };
      });
      child.stdin.write(`${JSON.stringify(args)}\n`);
      return Promise.race([ended, gone]);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill();
      await gone.catch(() => undefined);
      await folder[Symbol.asyncDispose]();
      await built[Symbol.asyncDispose]();
    },
  };
}
