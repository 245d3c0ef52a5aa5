import { parentPort, workerData } from 'node:worker_threads';
import type { Problem } from '../problem.ts';
import { scanRoot } from '../source/scan.ts';
import { encodeEntry } from '../vault/manifest-entry.ts';
import type { ScanBatch, ScanOrder } from './scan-messages.ts';

/** The scanning thread: each message asks for one more batch. */

const ENTRIES_A_BATCH = 1024;
const NO_CHUNKS = Buffer.alloc(0);

const order = workerData as ScanOrder;
let problems: Problem[] = [];
const found = scanRoot(order, (problem) => problems.push(problem), {});

parentPort?.on('message', () => {
  const batch = nextBatch();
  problems = [];
  parentPort?.postMessage(batch, [batch.entries.buffer as ArrayBuffer]);
});

function nextBatch(): ScanBatch {
  const parts: Buffer[] = [];
  let ended = false;
  let failure: { failure: string } | undefined;
  try {
    while (parts.length < ENTRIES_A_BATCH) {
      const next = found.next();
      if (next.done === true) {
        ended = true;
        break;
      }
      parts.push(encodeEntry({ ...next.value, chunks: NO_CHUNKS }));
    }
  } catch (error) {
    failure = { failure: error instanceof Error ? error.message : String(error) };
  }
  const entries = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    entries.set(part, at);
    at += part.length;
  }
  return { entries, problems, ended, ...failure };
}
