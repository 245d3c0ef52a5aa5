import type { Worker } from 'node:worker_threads';
import { keepSpareThread } from '../core/worker/thread.ts';
import { runCommandLine } from './run.ts';

/** Runs the command line of this process to its end; a thread that runs already is used where one is needed. */
export function main(spareThread: Worker | undefined): void {
  keepSpareThread(spareThread);
  void runCommandLine(process).then(
    // Everything is written by now; idle threads and timers need not be waited for.
    (exitCode) => process.exit(exitCode),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
