import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { CancelledError } from '../../errors.ts';
import { type Task, throwIfCancelled } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import type { Commands } from './commands.ts';
import { commandFailure, type Ending } from './failure.ts';
import { OutputTail } from './output-tail.ts';
import { type ProcessTree, treeOf } from './process-tree.ts';
import { shellFor } from './shell.ts';

/** A dump command at work. Disposing ends it and everything it has started. */
export interface RunningDump extends AsyncDisposable {
  /**
   * What it writes, block by block. It is over only when the command has ended well: an end that comes of a failure is
   * none. As long as nobody asks for a block, the command waits.
   * @throws {DatabaseError} `read-failed`, `missing-tool`, `missing-privilege`. {CancelledError}
   */
  blocks(task: Task): AsyncIterable<Buffer>;
}

/** Starts the dump command. @throws {DatabaseError} `missing-tool`. */
export function startDump(commands: Commands): RunningDump {
  const { dump, env, workspace, name } = commands;
  const shell = shellFor(name, dump);
  const child = spawn(shell.program, shell.args(dump), {
    env,
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own to be ended as a whole, and no terminal to ask for passwords on.
    detached: process.platform !== 'win32',
    windowsHide: true,
    windowsVerbatimArguments: shell.verbatim,
  });
  // Node lets go of what a process that has ended wrote and nobody listens for. Somebody does: it waits to be read.
  child.stdout.on('readable', () => undefined);
  const said = new OutputTail();
  child.stderr.on('data', (block: Buffer) => said.add(block));
  const tree = treeOf(child);
  const atExit = () => tree.kill();
  process.once('exit', atExit);
  const ended = new Promise<Ending | Error>((resolve) => {
    child.once('error', resolve).once('close', (code, signal) => resolve(code ?? signal));
  });
  void ended.then(() => process.off('exit', atExit));
  return {
    blocks: (task) =>
      readBlocks(commands, { tree, stdout: child.stdout, stderr: child.stderr, said, ended }, task),
    [Symbol.asyncDispose]: async () => {
      tree.end();
      child.stdout.destroy();
      await ended;
    },
  };
}

interface Started {
  readonly tree: ProcessTree;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly said: OutputTail;
  readonly ended: Promise<Ending | Error>;
}

async function* readBlocks(
  commands: Commands,
  { tree, stdout, stderr, said, ended }: Started,
  task: Task,
): AsyncGenerator<Buffer> {
  const silenced = new AbortController();
  const end = () => tree.end();
  const silence = setTimeout(() => {
    silenced.abort();
    end();
  }, commands.silenceMs);
  const heard = () => silence.refresh();
  task.signal?.addEventListener('abort', end, { once: true });
  if (task.signal?.aborted === true) end();
  stderr.on('data', heard);
  try {
    for await (const block of stdout as AsyncIterable<Buffer>) {
      throwIfCancelled(task);
      yield block;
      // However long the reader took, the command was kept waiting.
      heard();
    }
    const ending = await ended;
    throwIfCancelled(task);
    if (silenced.signal.aborted) throw silent(commands);
    if (ending instanceof Error) throw notStarted(commands, ending);
    if (ending !== 0) throw commandFailure(commands, 'dump', ending, said.text);
  } catch (error) {
    if (task.signal?.aborted === true) throw new CancelledError();
    throw error;
  } finally {
    clearTimeout(silence);
    stderr.off('data', heard);
    task.signal?.removeEventListener('abort', end);
    end();
  }
}

function silent({ name, silenceMs }: Commands): DatabaseError {
  const minutes = Math.round(silenceMs / 6000) / 10;
  return new DatabaseError(
    'read-failed',
    `The dump command of “${name}” wrote nothing for ${minutes} minutes and was ended.`,
    {
      hint: 'See whether it waits for somebody; give it more time with “timeout” (minutes) in the set file.',
    },
  );
}

function notStarted({ name, workspace }: Commands, error: NodeJS.ErrnoException): DatabaseError {
  return new DatabaseError(
    'missing-tool',
    `The shell for the commands of “${name}” could not be started in ${workspace}: ${error.code ?? 'it failed'}.`,
    { hint: 'Check that the workspace is there and a shell is installed.' },
  );
}
