import type { Worker } from 'node:worker_threads';
import scanSource from '../core/backup/scan-entry.ts?worker';
import workSource from '../core/worker/entry.ts?worker';
import { keepSpareThread } from '../core/worker/thread.ts';
import { runCommandLine } from './run.ts';

/** Runs the command line of this process to its end; a thread that waits already gets what will be needed first. */
export function main(spareThread: Worker | undefined): void {
  // This program alone was to be Node, not what it starts.
  if (process.versions['electron'] !== undefined) delete process.env['ELECTRON_RUN_AS_NODE'];
  if (spareThread !== undefined)
    keepSpareThread(spareThread, process.argv.includes('backup') ? scanSource : workSource);
  void runCommandLine(process).then(
    // Everything is written by now; idle threads and timers need not be waited for.
    (exitCode) => process.exit(exitCode),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
