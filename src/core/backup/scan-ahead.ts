import { on } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Problem } from '../problem.ts';
import type { Task } from '../task.ts';
import { CancelledError } from '../errors.ts';
import { startThread } from '../worker/thread.ts';
import { BATCH_MEMORY_BYTES } from './content-reader.ts';
import scanSource from './scan-entry.ts?worker';
import type { ScanBatch, ScanOrder, ScanRequest } from './scan-messages.ts';

/** Batches asked for ahead: enough to keep the thread busy, few enough to stay small. */
const BATCHES_AHEAD = 4;

/** Some entries of a scan; it is valid until the next is asked for. */
export interface AheadBatch {
  /** Entries in their byte form, one behind the other; paths begin with the root’s. */
  readonly bytes: Buffer;
  /** The next chunk, of those that the entries have; undefined when there are no more. */
  readonly nextChunk: () => Buffer | undefined;
}

/**
 * Scans a root in a thread of its own, ahead of who takes the entries: looking at every file is most of the work where
 * little has changed, and much of it where all is read. The thread starts at once; disposing ends it.
 */
export class AheadScan implements AsyncDisposable {
  readonly #thread: Worker;
  readonly #messages: AsyncIterable<[ScanBatch]>;
  readonly #task: Task;

  constructor(order: ScanOrder, task: Task) {
    this.#task = task;
    this.#thread = startThread(scanSource);
    this.#thread.postMessage(order);
    const { signal } = task;
    const options = { close: ['exit'], ...(signal === undefined ? {} : { signal }) };
    this.#messages = on(this.#thread, 'message', options) as AsyncIterable<[ScanBatch]>;
    // Shared memory spares the collector from hearing of megabytes that come and go.
    const newMemory = (): SharedArrayBuffer | undefined =>
      order.content === undefined ? undefined : new SharedArrayBuffer(BATCH_MEMORY_BYTES);
    for (let ahead = 0; ahead < BATCHES_AHEAD; ahead++) this.#ask(newMemory());
  }

  /**
   * What `scanRoot` or `listRoot` yield, in batches; problems come with theirs.
   * @throws {CancelledError}
   */
  async *batches(report: (problem: Problem) => void): AsyncGenerator<AheadBatch, void, undefined> {
    try {
      for await (const [batch] of this.#messages) {
        for (const problem of batch.problems) report(problem);
        yield { bytes: bufferOf(batch.entries), nextChunk: chunksIn(batch) };
        if (batch.failure !== undefined) throw new Error(batch.failure);
        if (batch.ended) return;
        const memory = batch.content.buffer;
        this.#ask(memory instanceof SharedArrayBuffer ? memory : undefined);
      }
    } catch (error) {
      throw this.#task.signal?.aborted ? new CancelledError() : error;
    }
    // Not to be taken for the end of the tree: the backup would be smaller than it is.
    throw new Error('the scanning thread stopped before the end');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }

  #ask(memory: SharedArrayBuffer | undefined): void {
    const request: ScanRequest = { memory };
    this.#thread.postMessage(request);
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function chunksIn({ content, chunkLengths }: ScanBatch): AheadBatch['nextChunk'] {
  const bytes = bufferOf(content);
  let next = 0;
  let start = 0;
  return () => {
    const length = chunkLengths[next++];
    if (length === undefined) return undefined;
    start += length;
    return bytes.subarray(start - length, start);
  };
}
