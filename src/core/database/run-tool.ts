import { spawn } from 'node:child_process';
import path from 'node:path';
import { CancelledError } from '../errors.ts';
import type { Task } from '../task.ts';

const MOST_STDERR_BYTES = 16 * 1024;

/** What a tool is run with. */
export interface ToolRun {
  readonly env: NodeJS.ProcessEnv;
  readonly task: Task;
  /** The folder it runs in; by default this process’s. */
  readonly cwd?: string | undefined;
  readonly input?: Buffer | undefined;
  readonly onStderr?: ((text: string) => void) | undefined;
}

/**
 * Runs a program to its end. A stopped task kills it.
 * @returns what it wrote to its standard output
 * @throws {ToolFailure} with its stderr, capped; the system’s own error when it cannot be started. {CancelledError}
 */
export async function runTool(
  program: string,
  args: readonly string[],
  { env, cwd, task, input, onStderr }: ToolRun,
): Promise<Buffer> {
  const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  const kill = () => child.kill('SIGKILL');
  task.signal?.addEventListener('abort', kill, { once: true });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (block: Buffer) => stdout.push(block));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MOST_STDERR_BYTES);
    onStderr?.(text);
  });
  // One that ends before it has read everything says why on its stderr.
  child.stdin.on('error', () => undefined).end(input);
  try {
    const status = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal));
      if (task.signal?.aborted === true) kill();
    });
    if (task.signal?.aborted === true) throw new CancelledError();
    if (status !== 0) throw new ToolFailure(path.basename(program, '.exe'), status, stderr);
    return Buffer.concat(stdout);
  } finally {
    task.signal?.removeEventListener('abort', kill);
  }
}

/** A tool has failed; what it said may hold anything, so it is redacted before it is shown. */
export class ToolFailure extends Error {
  readonly stderr: string;
  constructor(name: string, status: number | NodeJS.Signals | null, stderr: string) {
    super(`${name} ended with ${status}`);
    this.stderr = stderr;
  }
}
