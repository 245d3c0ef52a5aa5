import { type ChildProcess, fork } from 'node:child_process';
import {
  type CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { CancelledError } from '../core/errors.ts';
import { type Task, throwIfCancelled } from '../core/task.ts';
import { FRUGAL } from './environment.ts';
import { EngineError } from './error.ts';
import { type FailureData, fromFailure } from './failure.ts';
import {
  type Awakening,
  awakening,
  type Input,
  type Operation,
  type Output,
  progressOf,
  requestOf,
  type SecretQuestion,
  secretOf,
} from './protocol.ts';

/** How a client starts its engine. */
export interface EngineOptions {
  /** The engine's bundle, run by the program this process runs in. */
  readonly script: string;
  /** Variables on top of this process's own. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** The engine is ended after so many milliseconds without a request. */
  readonly idleMs: number;
  /** Told what the engine found when it started, when there was something. */
  readonly onAwakening?: ((found: Awakening) => void) | undefined;
  /** Asked for secrets that set files name; undefined when there is no such secret. */
  readonly secret?: ((question: SecretQuestion) => Promise<string | undefined>) | undefined;
  /** Told what happens to the process, for a log. */
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly connection: MessageConnection;
}

/**
 * The host's end of the engine: one child process, started by the first call, ended when idle, started anew by
 * the next call after it crashed. When the host ends or disposes this, the engine finishes what it is doing.
 */
export class EngineClient {
  readonly #options: EngineOptions;
  #running: Running | undefined;
  #idle: NodeJS.Timeout | undefined;
  #pending = 0;
  #nextToken = 1;
  #isLeaving = false;
  #disposed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** The running engine's process id. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /**
   * Has the engine carry out one operation.
   * @throws {CancelledError} after the task's signal, once the engine has stopped the work
   * @throws {EngineFailure} what the operation failed with
   * @throws {EngineError} `stopped` when the process ended before it answered
   */
  async call<O extends Operation>(operation: O, input: Input<O>, task: Task = {}): Promise<Output<O>> {
    throwIfCancelled(task);
    const running = this.#start();
    const token = task.progress === undefined ? undefined : this.#nextToken++;
    const cancellation = new CancellationTokenSource();
    const cancel = (): void => cancellation.cancel();
    task.signal?.addEventListener('abort', cancel, { once: true });
    const listener =
      task.progress !== undefined && token !== undefined
        ? running.connection.onProgress(progressOf, token, task.progress)
        : undefined;
    this.#pending++;
    clearTimeout(this.#idle);
    try {
      return await this.#send(running, operation, input, token, cancellation.token);
    } finally {
      task.signal?.removeEventListener('abort', cancel);
      listener?.dispose();
      cancellation.dispose();
      if (--this.#pending === 0) {
        if (this.#isLeaving) this.dispose();
        else this.#idle = this.#restWhenIdle();
      }
    }
  }

  /** Lets the engine go; it finishes what it is doing and ends. */
  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#idle);
    this.#release();
  }

  /** Lets the engine go once all that it was asked is answered. */
  disposeWhenIdle(): void {
    this.#isLeaving = true;
    if (this.#pending === 0) this.dispose();
  }

  async #send<O extends Operation>(
    running: Running,
    operation: O,
    input: Input<O>,
    progress: number | undefined,
    token: CancellationToken,
  ): Promise<Output<O>> {
    try {
      return await running.connection.sendRequest(requestOf(operation), { input, progress }, token);
    } catch (error) {
      if (error instanceof ResponseError && isFailure(error.data)) throw fromFailure(error.data);
      if (token.isCancellationRequested) throw new CancelledError();
      throw new EngineError(
        'stopped',
        this.#disposed ? 'The window was closed.' : stoppedMessage(running.child),
        {
          cause: error,
          hint: 'Try again: the engine starts anew. The log may tell why it stopped.',
        },
      );
    }
  }

  #start(): Running {
    if (this.#running !== undefined) return this.#running;
    if (this.#disposed) throw new EngineError('disposed', 'The window is being closed.');
    const { script, environment, log } = this.#options;
    const child = fork(script, [], {
      // The editor's own binary: it runs as Node when told so.
      env: { ...FRUGAL, ...process.env, ...environment, ELECTRON_RUN_AS_NODE: '1' },
      // Node would let young objects take a hundred megabytes before it looks at them.
      execArgv: ['--max-semi-space-size=8'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Its own process group: what ends the host's group must not end a backup.
      detached: true,
    });
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    const running = { child, connection };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => log('warn', text.trimEnd()));
    child.once('spawn', () => log('info', `Engine started, process ${child.pid}.`));
    child.once('error', (error) => {
      log('error', `Engine could not be started: ${error.message}`);
      this.#forget(running);
    });
    child.once('exit', () => {
      log(child.exitCode === 0 ? 'info' : 'error', stoppedMessage(child));
      this.#forget(running);
    });
    connection.onNotification(awakening, (found) => this.#options.onAwakening?.(found));
    connection.onRequest(secretOf, async (question) => (await this.#options.secret?.(question)) ?? null);
    // A broken channel shows as the process's exit; nothing more to tell here.
    connection.onError(() => undefined);
    connection.listen();
    this.#running = running;
    return running;
  }

  #restWhenIdle(): NodeJS.Timeout {
    return setTimeout(() => this.#release(), this.#options.idleMs).unref();
  }

  /** Closes the channel: the engine sees its host gone. */
  #release(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    if (running.child.connected) running.child.disconnect();
    running.child.unref();
    running.connection.dispose();
  }

  #forget(running: Running): void {
    if (this.#running === running) this.#running = undefined;
    // Rejects every request still waiting.
    running.connection.dispose();
  }
}

function stoppedMessage(child: ChildProcess): string {
  if (child.pid === undefined) return 'The backup engine could not be started.';
  if (child.exitCode === 0) return 'The backup engine has ended.';
  const how =
    child.signalCode ?? (child.exitCode === null ? 'connection lost' : `exit code ${child.exitCode}`);
  return `The backup engine stopped unexpectedly (${how}); finished backups are safe.`;
}

function isFailure(data: unknown): data is FailureData {
  return typeof data === 'object' && data !== null && 'code' in data && 'message' in data;
}
