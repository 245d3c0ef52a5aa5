import { runCommandLine } from './run.ts';

void runCommandLine(process).then(
  // Everything is written by now; idle threads and timers need not be waited for.
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
