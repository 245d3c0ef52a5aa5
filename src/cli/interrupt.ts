import { ExitCode } from './exit-code.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Stops the work on Ctrl-C: the first asks it to stop, which leaves nothing half-visible; the second ends the process
 * at once, which leaves at most what the next run tidies up. Returns how to listen no more.
 */
export function listenForInterrupts(
  controller: AbortController,
  say: (message: string) => void,
  exit: (code: number) => void = (code) => process.exit(code),
): () => void {
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) exit(ExitCode.cancelled);
    controller.abort();
    if (signal === 'SIGINT') say('Stopping … press Ctrl-C again to end at once.');
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
}
