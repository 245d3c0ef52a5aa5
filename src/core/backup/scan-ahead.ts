import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Problem } from '../problem.ts';
import type { Task } from '../task.ts';
import { CancelledError } from '../errors.ts';
import { EntryView } from '../vault/manifest-entry.ts';
import scanSource from './scan-entry.ts?worker';
import type { ScanBatch, ScanOrder } from './scan-messages.ts';

/** Batches asked for ahead: enough to keep the thread busy, few enough to stay small. */
const BATCHES_AHEAD = 4;

/**
 * Scans a root in a thread of its own, ahead of who takes the entries: for large trees of which little is read, looking
 * at every file is most of the work. Yields what `scanRoot` does, in batches; problems come with theirs.
 * @throws {CancelledError}
 */
export async function* scanAhead(
  order: ScanOrder,
  report: (problem: Problem) => void,
  task: Task,
): AsyncGenerator<Generator<EntryView>, void, undefined> {
  const thread = new Worker(scanSource, { eval: true, workerData: order, name: 'crm-backup scan' });
  try {
    for (let ahead = 0; ahead < BATCHES_AHEAD; ahead++) thread.postMessage('next');
    for await (const [batch] of messages(thread, task)) {
      for (const problem of batch.problems) report(problem);
      yield entriesIn(batch.entries);
      if (batch.failure !== undefined) throw new Error(batch.failure);
      if (batch.ended) return;
      thread.postMessage('next');
    }
    // Not to be taken for the end of the tree: the backup would be smaller than it is.
    throw new Error('the scanning thread stopped before the end');
  } finally {
    await thread.terminate();
  }
}

async function* messages(thread: Worker, task: Task): AsyncGenerator<[ScanBatch]> {
  try {
    const { signal } = task;
    const options = { close: ['exit'], ...(signal === undefined ? {} : { signal }) };
    yield* on(thread, 'message', options) as AsyncIterable<[ScanBatch]>;
  } catch (error) {
    throw task.signal?.aborted ? new CancelledError() : error;
  }
}

function* entriesIn(bytes: Uint8Array): Generator<EntryView> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length;) {
    const view = new EntryView(buffer, at);
    at = view.end;
    yield view;
  }
}
