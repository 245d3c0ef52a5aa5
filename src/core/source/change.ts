import type { FileStat } from './stat.ts';

/** What is compared to see whether a file changed: its stat now, and as the base's manifest has it. */
export type Stamp = Pick<FileStat, 'size' | 'mode' | 'mtimeNs' | 'ctimeNs' | 'inode'> & {
  readonly type: string;
};

/**
 * How long before the base began a file may have been touched and still not be trusted. File systems count time
 * in steps of up to 2 s (FAT; 1 s on HFS+ and older NFS): a change after the base read the file may have left the
 * same time on it.
 */
export const RACY_NS = 2_000_000_000n;

/**
 * Whether a file can be taken from the base's manifest unread: nothing about it differs, and it was at rest
 * before the base began. A field that is unknown (0) on both sides says nothing; on one side only, for example
 * because the base was taken on another machine, it counts as a change.
 *
 * @param baseStartedAtNs when the base began, in nanoseconds since 1970 by this machine's clock
 */
export function isUnchanged(live: Stamp, base: Stamp, baseStartedAtNs: bigint): boolean {
  return (
    live.size === base.size &&
    live.mtimeNs === base.mtimeNs &&
    live.ctimeNs === base.ctimeNs &&
    live.inode === base.inode &&
    live.mode === base.mode &&
    live.type === base.type &&
    live.mtimeNs < baseStartedAtNs - RACY_NS &&
    live.ctimeNs < baseStartedAtNs - RACY_NS
  );
}
