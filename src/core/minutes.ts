/** Node's timers count no further: 24 days. One that is set later goes off at once. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** Minutes, as a set file has them, as milliseconds that a timer takes; more than it can count are 24 days. */
export function timerMs(minutes: number): number {
  return Math.min(Math.round(minutes * 60_000), MOST_TIMER_MS);
}
