import type { BackupRecord } from './record.ts';

/** In so many days everything is read once. */
export const CYCLE_DAYS = 28;

const DAY_MS = 24 * 60 * 60 * 1000;

/** When the packs of each day of the cycle were last read and found right, in milliseconds since 1970. */
export type ReadTimes = readonly (number | null)[];

/** Nothing was read yet. */
export const NEVER_READ: ReadTimes = Array.from({ length: CYCLE_DAYS }, () => null);

/** The day of the cycle on which a pack is read: its id is a hash, so the days are about equally full. Pure. */
export function dayOfPack(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16) % CYCLE_DAYS;
}

/**
 * The days of the cycle whose packs are to be read now: today's, and those of days that were missed since it was begun. A
 * time that is in the future was written by a clock that went wrong and does not count. Pure.
 * @param begunMs when the vault was first looked at, in milliseconds since 1970
 */
export function daysToRead(begunMs: number, times: ReadTimes, now: Date): number[] {
  const nowMs = now.getTime();
  const today = Math.floor(nowMs / DAY_MS);
  const begun = Math.floor(Math.min(begunMs, nowMs) / DAY_MS);
  return NEVER_READ.flatMap((_, day) => {
    // The latest day up to today that was this one's turn.
    const turn = today - ((((today - day) % CYCLE_DAYS) + CYCLE_DAYS) % CYCLE_DAYS);
    const read = times[day] ?? null;
    const isRead = read !== null && read <= nowMs && Math.floor(read / DAY_MS) >= turn;
    return isRead || turn < begun ? [] : [day];
  });
}

/**
 * Since when it is known of all the packs a backup needs that they are right: the oldest of the times they were read.
 * Undefined while one of them was not read since it was written. Pure.
 * @param packs with the time each was written, in milliseconds
 */
export function verifiedSince(
  packs: Iterable<{ readonly id: string; readonly writtenMs: number }>,
  times: ReadTimes,
): number | undefined {
  let oldest = Infinity;
  for (const { id, writtenMs } of packs) {
    const read = times[dayOfPack(id)] ?? null;
    if (read === null || read < writtenMs) return undefined;
    oldest = Math.min(oldest, read);
  }
  return Number.isFinite(oldest) ? oldest : undefined;
}

/** Backups of which it may be told anew that they are right, those told of longest ago first. Pure. */
export function dueForNote(records: readonly BackupRecord[], times: ReadTimes, most: number): BackupRecord[] {
  if (times.includes(null)) return [];
  const known = Math.min(...times.map(Number));
  const verifiedMs = ({ verifiedAt }: BackupRecord): number =>
    verifiedAt === undefined ? 0 : Date.parse(verifiedAt);
  // What was damaged since may have been read before.
  const isWhole = ({ damagedAt }: BackupRecord): boolean =>
    damagedAt === undefined || Date.parse(damagedAt) < known;
  return records
    .filter(isWhole)
    .filter((record) => Date.parse(record.createdAt) <= known && verifiedMs(record) < known - 7 * DAY_MS)
    .sort((a, b) => verifiedMs(a) - verifiedMs(b))
    .slice(0, most);
}
