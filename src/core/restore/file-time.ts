/**
 * A time as `node:fs` takes it: seconds since 1970. Node hands times to the system as doubles, which today are 238 ns
 * apart: whole seconds and what Node itself has set before are reached exactly, most others are not.
 */
export type FileTime = number;

const SECOND = 1_000_000_000n;

/** The number that sets a time, or comes nearest to it. */
export function fileTime(mtimeNs: bigint): FileTime {
  const whole = mtimeNs / SECOND;
  const rest = Number(mtimeNs - whole * SECOND);
  // The system cuts off what is smaller than a nanosecond, so half of one more hits it safely.
  return Number(whole) + (rest === 0 ? 0 : (rest + Math.sign(rest) / 2) / 1e9);
}

/** Whether {@link fileTime} sets exactly this time. */
export function isReachable(mtimeNs: bigint): boolean {
  return mtimeNs % SECOND === 0n || reachedTime(fileTime(mtimeNs)) === mtimeNs;
}

/**
 * Whether a file that has one time needs not be given another: where Node cannot set that exactly, and perhaps nothing
 * else can, nearer than a microsecond is as good as it gets.
 */
export function isSameTime(live: bigint, wanted: bigint): boolean {
  if (live === wanted) return true;
  const apart = live - wanted;
  return apart < 1000n && apart > -1000n && !isReachable(wanted);
}

/** What libuv makes of a number of seconds. */
function reachedTime(seconds: number): bigint {
  const whole = Math.trunc(seconds);
  return BigInt(whole) * SECOND + BigInt(Math.trunc((seconds - whole) * 1e9));
}

/** A time as whole seconds, rounded down, and nanoseconds. */
export function splitTime(mtimeNs: bigint): { seconds: number; nanoseconds: number } {
  let seconds = mtimeNs / SECOND;
  if (seconds * SECOND > mtimeNs) seconds--;
  return { seconds: Number(seconds), nanoseconds: Number(mtimeNs - seconds * SECOND) };
}
