import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program to run as a user would: its arguments, where, and with which variables added. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What one run cost. */
export interface Measurement {
  /** Wall time from start to exit, in milliseconds. */
  readonly durationMs: number;
  /** Largest resident set of the program and the programs it waited for; undefined without GNU time. */
  readonly peakBytes: number | undefined;
  readonly stdout: string;
}

const gnuTime = '/usr/bin/time';

/**
 * Runs a command to its end and tells its wall time and peak memory.
 *
 * What earlier runs left to be written to the disk of `directory` is written first, so that an `fsync` of this one
 * does not pay for it.
 * Throws when the command cannot be started or exits with anything but 0; the message ends with its stderr.
 */
export async function measure(command: Command, directory: string): Promise<Measurement> {
  const scratch = await mkdtemp(join(tmpdir(), 'crm-backup-measure-'));
  try {
    await run({ argv: ['sync', '--file-system', directory] });
    const report = join(scratch, 'time');
    const argv: Command['argv'] = existsSync(gnuTime)
      ? [gnuTime, '-q', '-f', '%M', '-o', report, ...command.argv]
      : command.argv;
    const started = performance.now();
    const stdout = await run({ ...command, argv });
    const durationMs = performance.now() - started;
    const peakBytes = existsSync(report) ? Number(await readFile(report, 'utf8')) * 1024 : undefined;
    return { durationMs, peakBytes, stdout };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Runs a command to its end and returns its stdout. Throws as {@link measure} does. */
export async function run(command: Command): Promise<string> {
  const [program, ...rest] = command.argv;
  const child = spawn(program, rest, {
    cwd: command.cwd,
    env: { ...process.env, ...command.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (exitCode !== 0) {
    throw new Error(
      `${command.argv.join(' ')} exited with ${String(exitCode)}: ${(stderr || stdout).trim()}`,
    );
  }
  return stdout;
}

/** The first line a program prints, or undefined when it is not installed. */
export async function firstLine(argv: Command['argv']): Promise<string | undefined> {
  try {
    return (await run({ argv })).split('\n')[0]?.trim();
  } catch {
    return undefined;
  }
}
