import { rowsOf } from '../core/row-count.ts';
import type { EntryView } from '../core/vault/manifest-entry.ts';

/** An entry as `--json` prints it. */
export function entryJson(entry: EntryView): Record<string, unknown> {
  const { path, type, size, mtimeNs, mode, target } = entry;
  const rows = rowsOf(entry);
  return {
    path,
    type,
    size,
    mtime: entryTime(mtimeNs),
    mode,
    ...(target === undefined ? {} : { target }),
    ...(rows === undefined ? {} : { rows }),
  };
}

/** A time in nanoseconds since 1970 as ISO 8601 UTC, to the millisecond. */
export function entryTime(timeNs: bigint): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString();
}
