/** A size for people: `24.6 MB`. Decimal units, as disks are sold and the other tools print. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  if (bytes >= 1e3) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${String(bytes)} bytes`;
}

/** A duration in milliseconds for people: `0.84 s`. */
export function formatDuration(milliseconds: number): string {
  return milliseconds < 100 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** A number with thousands separators, and what it counts: `1 file`, `2,985 files`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`;
}
