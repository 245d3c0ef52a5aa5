import { Worker } from 'node:worker_threads';

/** What a thread without work does: it waits for its source. */
const WAIT = `require('node:worker_threads').parentPort.once('message', (source) => (0, eval)(source));`;

let spare: Worker | undefined;

/**
 * A thread that has no work yet: its start, which takes as long as reading a thousand files, then runs beside the
 * program's own. It does not keep the process alive.
 */
export function newSpareThread(): Worker {
  const worker = new Worker(WAIT, { eval: true, name: 'crm-backup' });
  worker.unref();
  return worker;
}

/** Has the next {@link startThread} of this process take a thread that runs already, unless it has ended by then. */
export function keepSpareThread(worker: Worker | undefined): void {
  spare = worker;
  const forget = (): void => {
    if (spare === worker) spare = undefined;
  };
  worker?.on('error', forget).on('exit', forget);
}

/** Starts a thread with the text of a script. Messages wait until it listens. */
export function startThread(source: string): Worker {
  const worker = spare;
  if (worker === undefined) return new Worker(source, { eval: true, name: 'crm-backup' });
  spare = undefined;
  worker.ref();
  worker.postMessage(source);
  return worker;
}
