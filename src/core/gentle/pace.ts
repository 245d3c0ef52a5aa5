import { setTimeout as wait } from 'node:timers/promises';
import type { Task } from '../task.ts';

/** No wait is longer: the rate may change meanwhile, and a cancellation is heard. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Makes a task read no more bytes a second than it may, on average since it began to hold back.
 * @param rate how many it may now; undefined for no limit
 */
export function paced(task: Task, rate: () => number | undefined): Task {
  let readyAt = performance.now();
  const hold = async (): Promise<void> => {
    for (let leftMs = readyAt - performance.now(); leftMs > 0; leftMs = readyAt - performance.now()) {
      if (task.signal?.aborted === true || rate() === undefined) return;
      await wait(Math.min(leftMs, LONGEST_WAIT_MS));
    }
  };
  const pace = (bytes: number): Promise<void> | undefined => {
    const now = performance.now();
    const limit = rate();
    if (limit === undefined) return undefined;
    readyAt = Math.max(readyAt, now) + (1000 * bytes) / limit;
    return readyAt > now ? hold() : undefined;
  };
  return { ...task, pace };
}
