import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { VaultError, type VaultErrorCode } from '../vault/error.ts';
import workerSource from './entry.ts?worker';
import type { WorkerRequest, WorkerResponse } from './messages.ts';
import { type WorkerTaskName, type WorkerTasks, workerTasks } from './tasks.ts';
import { startThread } from './thread.ts';

interface Waiting {
  readonly name: WorkerTaskName;
  readonly input: unknown;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (output: never) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly running: Map<number, Waiting>;
}

const MOST_THREADS = 4;
/** Tasks a thread holds at once, so that it never waits for the next. */
const TASKS_A_THREAD = 2;

/** Starting a thread costs as much as some ten frames: it takes a queue to be worth another. */
const QUEUE_FOR_ANOTHER = 5;

/** After so many threads that ended without having done a thing, others would end as well. */
const LOST_IN_A_ROW = 3;

/** A few worker threads, started on first need, fed in order. Close it to let the process end. */
export class WorkerPool implements AsyncDisposable {
  readonly size: number;
  readonly #threads: Thread[] = [];
  readonly #queue: Waiting[] = [];
  #next = 0;
  /** Threads that have ended since one last did something. */
  #lost = 0;
  #closed = false;

  /** @param size Threads at the most; by default as many as there are processors, up to four. */
  constructor(size = Math.min(MOST_THREADS, availableParallelism())) {
    this.size = Math.max(1, size);
  }

  /**
   * Runs a task in a thread, or here and now when it is `small` and no thread was needed yet. Buffers in `transfer` are
   * handed over and can no longer be used here.
   */
  run<Name extends WorkerTaskName>(
    name: Name,
    input: WorkerTasks[Name]['input'],
    transfer: readonly ArrayBuffer[] = [],
    small = false,
  ): Promise<WorkerTasks[Name]['output']> {
    if (small && this.#threads.length === 0 && !this.#closed) {
      return new Promise((resolve) => {
        resolve(workerTasks[name](input).output);
      });
    }
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the worker pool is closed'));
        return;
      }
      this.#queue.push({ name, input, transfer, resolve, reject });
      this.#feed();
    });
  }

  /** Starts all threads at once, where much work is known to come. */
  start(): void {
    while (!this.#closed && this.#threads.length < this.size) this.#startThread();
  }

  #feed(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread();
      if (thread === undefined) return;
      const task = this.#queue.shift()!;
      const number = this.#next++;
      thread.running.set(number, task);
      const request: WorkerRequest = { number, name: task.name, input: task.input };
      thread.worker.postMessage(request, [...task.transfer]);
    }
  }

  #freeThread(): Thread | undefined {
    let least: Thread | undefined;
    for (const thread of this.#threads) {
      if (thread.running.size < (least?.running.size ?? TASKS_A_THREAD)) least = thread;
    }
    if (this.#threads.length === 0) return this.#startThread();
    if (least === undefined && this.#threads.length < this.size && this.#queue.length >= QUEUE_FOR_ANOTHER) {
      return this.#startThread();
    }
    return least;
  }

  #startThread(): Thread {
    const worker = startThread(workerSource);
    const thread: Thread = { worker, running: new Map() };
    worker.on('message', (response: WorkerResponse) => {
      const task = thread.running.get(response.number);
      thread.running.delete(response.number);
      this.#lost = 0;
      if (response.failure !== undefined) task?.reject(failureOf(response.failure));
      else task?.resolve(response.output as never);
      this.#feed();
    });
    const lost = (why: string): void => {
      const error = new Error(`a worker thread stopped in the middle of its work: ${why}`);
      for (const task of thread.running.values()) task.reject(error);
      thread.running.clear();
      const at = this.#threads.indexOf(thread);
      // An error is followed by the end; where the pool was closed, nothing waits.
      if (at < 0) return;
      this.#threads.splice(at, 1);
      if (++this.#lost >= LOST_IN_A_ROW) for (const task of this.#queue.splice(0)) task.reject(error);
      this.#feed();
    };
    worker.on('error', (error) => {
      lost(error instanceof Error ? error.message : String(error));
    });
    worker.on('exit', (code) => {
      lost(`exit ${code}`);
    });
    this.#threads.push(thread);
    return thread;
  }

  /** Ends all threads; what they were doing is lost, so await it first. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const task of this.#queue.splice(0)) task.reject(new Error('the worker pool was closed'));
    await Promise.all(this.#threads.splice(0).map((thread) => thread.worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Threads do not hand over classes: a vault's error is made again from its code. */
function failureOf(failure: NonNullable<WorkerResponse['failure']>): Error {
  return failure.code === undefined
    ? new Error(failure.message)
    : new VaultError(failure.code as VaultErrorCode, failure.message);
}
