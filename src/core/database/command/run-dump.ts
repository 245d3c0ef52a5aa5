import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { CancelledError } from '../../errors.ts';
import { type Task, throwIfCancelled } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import type { Commands } from './commands.ts';
import { commandFailure, type Ending } from './failure.ts';
import { OutputTail } from './output-tail.ts';
import { countChildren, LAST_WORDS_MS, type ProcessTree, treeOf } from './process-tree.ts';
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
  const said = new OutputTail(commands.redact);
  child.stderr.on('data', (block: Buffer) => said.add(block));
  const tree = treeOf(child);
  const atExit = () => tree.kill();
  process.once('exit', atExit);
  const ended = endingOf(child);
  void ended.then(() => process.off('exit', atExit));
  return {
    blocks: (task) => readBlocks(commands, { child, tree, said, ended }, task),
    [Symbol.asyncDispose]: async () => {
      tree.end();
      child.stdout.destroy();
      await ended;
    },
  };
}

type DumpProcess = ChildProcessByStdio<null, Readable, Readable>;

/** How a command has ended, once all it has written was read. What it leaves running may go on holding its stderr. */
async function endingOf(child: DumpProcess): Promise<Ending | Error> {
  return new Promise((resolve) => {
    child.once('error', resolve).once('close', (code, signal) => resolve(code ?? signal));
    const wait = (): void => {
      if (child.stdout.readableEnded && (child.exitCode ?? child.signalCode) !== null)
        setTimeout(() => resolve(child.exitCode ?? child.signalCode), LAST_WORDS_MS).unref();
    };
    child.once('exit', wait);
    child.stdout.once('end', wait);
  });
}

interface Started {
  readonly child: DumpProcess;
  readonly tree: ProcessTree;
  readonly said: OutputTail;
  readonly ended: Promise<Ending | Error>;
}

async function* readBlocks(
  commands: Commands,
  { child, tree, said, ended }: Started,
  task: Task,
): AsyncGenerator<Buffer> {
  const { stdout, stderr } = child;
  const end = () => tree.end();
  let silenced: DatabaseError | undefined;
  const silence = setTimeout(() => {
    silenced = hasEnded(commands, child) ? held(commands) : silent(commands);
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
    if (silenced !== undefined) throw silenced;
    if (ending instanceof Error) throw notStarted(commands, ending);
    if (ending !== 0) throw commandFailure(commands, 'dump', ending, said.text);
    tree.leave();
    const rest: Readable & Partial<Pick<Socket, 'unref'>> = stderr.removeAllListeners('data').resume();
    rest.unref?.();
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

/** Whether the command itself has ended, and only something it has started holds its output. */
function hasEnded({ name, dump }: Commands, { exitCode, pid = 0 }: DumpProcess): boolean {
  // Where `cat` passes the output on, only that is left.
  return exitCode !== null || (shellFor(name, dump).checksPipes && countChildren(pid) === 1);
}

function held({ name, silenceMs }: Commands): DatabaseError {
  return new DatabaseError(
    'read-failed',
    `The dump command of “${name}” has ended, but what it left in the background held its output for ${minutesOf(silenceMs)} minutes and was ended.`,
    {
      hint: 'Whether the dump was whole cannot be told: let what stays running write elsewhere, as in “… > /dev/null 2>&1 &”.',
    },
  );
}

function minutesOf(ms: number): number {
  return Math.round(ms / 6000) / 10;
}

function silent({ name, silenceMs }: Commands): DatabaseError {
  return new DatabaseError(
    'read-failed',
    `The dump command of “${name}” wrote nothing for ${minutesOf(silenceMs)} minutes and was ended.`,
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
