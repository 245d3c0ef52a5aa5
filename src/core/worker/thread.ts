import { Worker } from 'node:worker_threads';

/** What a thread without work does: it waits for its source. */
const WAIT = `require('node:worker_threads').parentPort.once('message', (source) => (0, eval)(source));`;

let spare: { readonly worker: Worker; readonly source: string } | undefined;

/**
 * A thread that has no work yet: its start, which takes as long as reading a thousand files, then runs beside the
 * program's own. It does not keep the process alive.
 */
export function newSpareThread(): Worker {
  const worker = new Worker(WAIT, { eval: true, name: 'crm-backup' });
  worker.unref();
  return worker;
}

/**
 * Gives a thread that waits the text of a script, which it begins with at once. The next {@link startThread} of this
 * process with this script takes it, unless it has ended by then; one with another ends it.
 */
export function keepSpareThread(worker: Worker, source: string): void {
  spare = { worker, source };
  const forget = (): void => {
    if (spare?.worker === worker) spare = undefined;
  };
  worker.on('error', forget).on('exit', forget).postMessage(source);
}

/** Starts a thread with the text of a script. Messages wait until it listens. */
export function startThread(source: string): Worker {
  const kept = spare;
  spare = undefined;
  if (kept?.source === source) {
    kept.worker.ref();
    return kept.worker;
  }
  void kept?.worker.terminate();
  return new Worker(source, { eval: true, name: 'crm-backup' });
}
