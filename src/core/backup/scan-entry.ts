import { parentPort } from 'node:worker_threads';
import type { Problem } from '../problem.ts';
import { listRoot, scanRoot } from '../source/scan.ts';
import { encodeEntry } from '../vault/manifest-entry.ts';
import { comparePaths } from '../vault/order.ts';
import { ContentReader } from './content-reader.ts';
import type { ScanBatch, ScanOrder, ScanRequest } from './scan-messages.ts';

/** The scanning thread: the first message says what to scan, each one after asks for one more batch. */

const ENTRIES_A_BATCH = 1024;

parentPort?.once('message', (order: ScanOrder) => {
  const next = batches(order);
  parentPort?.on('message', ({ memory }: ScanRequest) => {
    const batch = next(memory);
    const buffers = [batch.entries, batch.chunkLengths].map(({ buffer }) => buffer);
    parentPort?.postMessage(batch, buffers as ArrayBuffer[]);
  });
});

/** Begins a scan; what it gives makes one batch after the other. */
function batches(order: ScanOrder): (memory: SharedArrayBuffer | undefined) => ScanBatch {
  const rootPath = `files/${order.name}`;
  const after = `${rootPath}/${order.after}`;
  let problems: Problem[] = [];
  const report = (problem: Problem): void => {
    if (comparePaths(problem.path, after) > 0) problems.push(problem);
  };
  const found = order.content === undefined ? scanRoot(order, report, {}) : listRoot(order, report, {});
  const reader = new ContentReader(order.content);
  return (memory) => {
    problems = [];
    reader.begin(memory);
    const parts: Buffer[] = [];
    let ended = false;
    let failure: { failure: string } | undefined;
    try {
      while (parts.length < ENTRIES_A_BATCH && !reader.isFull) {
        const next = found.next();
        if (next.done === true) {
          ended = true;
          break;
        }
        if (comparePaths(next.value.path, order.after) <= 0) continue;
        const path = `${rootPath}/${next.value.path}`;
        const read = reader.read(next.value, `${order.directory}/${next.value.path}`, path);
        if ('trouble' in read) report({ path, ...read.trouble });
        else parts.push(encodeEntry({ ...read, path }));
      }
    } catch (error) {
      failure = { failure: error instanceof Error ? error.message : String(error) };
    }
    return { entries: joined(parts), ...reader.finish(), problems, ended, ...failure };
  };
}

/** Parts one behind the other, in memory of their own that can be handed over. */
function joined(parts: readonly Buffer[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
