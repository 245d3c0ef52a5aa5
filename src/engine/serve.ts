import { type CancellationToken, type MessageConnection, ResponseError } from 'vscode-jsonrpc';
import type { Progress, Task } from '../core/task.ts';
import { toFailure } from './failure.ts';
import { atLowPriority } from '../core/gentle/low-priority.ts';
import { type Call, finishesAlone, type Input, type Operation, type Output, progressOf } from './protocol.ts';

/** What carries an operation out. */
export type Handler<O extends Operation> = (input: Input<O>, task: Task) => Promise<Output<O>>;
export type Handlers = { readonly [O in Operation]: Handler<O> };

/** A failure's number on the wire; what it means stands in its data. */
const FAILED = -32_000;

/** Progress is for eyes: more often than this (milliseconds) is not sent, except for a new phase. */
const PROGRESS_INTERVAL_MS = 100;

/** The engine at work for one host. */
export interface Service {
  /** How many operations are under way. */
  readonly running: number;
  /** Cancels what nobody waits for any more; resolves when all the rest is done. */
  finish(): Promise<void>;
}

interface Work {
  readonly operation: Operation;
  readonly controller: AbortController;
  readonly done: Promise<unknown>;
}

/**
 * Answers a host's requests with the given handlers, from when `ready` resolves. Cancelling a request aborts the signal its handler gets;
 * a connection that breaks leaves the handlers running until {@link Service.finish}.
 */
export function serve(connection: MessageConnection, ready: Promise<unknown>, handlers: Handlers): Service {
  const works = new Set<Work>();

  const accept = <O extends Operation>(operation: O, handler: Handler<O>): void => {
    connection.onRequest(operation, async (call: Call<O>, token: CancellationToken) => {
      const controller = new AbortController();
      const cancellation = token.onCancellationRequested(() => controller.abort());
      const task = { signal: controller.signal, progress: reporter(connection, call.progress) };
      const work = async (): Promise<Output<O>> => ready.then(() => handler(call.input, task));
      const done = isBackground(call.input) ? atLowPriority(work) : work();
      const entry = { operation, controller, done };
      works.add(entry);
      try {
        return await done;
      } catch (error) {
        const failure = toFailure(error);
        return new ResponseError(FAILED, failure.message, failure);
      } finally {
        works.delete(entry);
        cancellation.dispose();
      }
    });
  };
  for (const operation of Object.keys(handlers) as Operation[])
    accept(operation, handlers[operation] as never);

  return {
    get running() {
      return works.size;
    },
    async finish() {
      for (const { operation, controller } of works) if (!finishesAlone[operation]) controller.abort();
      await Promise.allSettled([...works].map(({ done }) => done));
    },
  };
}

function reporter(connection: MessageConnection, token: number | undefined): Task['progress'] {
  if (token === undefined) return undefined;
  let lastPhase = '';
  let lastMs = 0;
  return (progress: Progress) => {
    const now = Date.now();
    if (progress.phase === lastPhase && now - lastMs < PROGRESS_INTERVAL_MS) return;
    lastPhase = progress.phase;
    lastMs = now;
    // Nobody listens any more when this fails, and the work goes on without.
    connection.sendProgress(progressOf, token, progress).catch(() => undefined);
  };
}

function isBackground(input: object): boolean {
  return 'background' in input && input.background === true;
}
