import type { EntryView } from './vault/manifest-entry.ts';

/** How many rows a table has; undefined for anything else. */
export function rowsOf({ type, extra }: Pick<EntryView, 'type' | 'extra'>): number | undefined {
  const rows = type === 'table' ? extra?.['rows'] : undefined;
  return typeof rows === 'number' ? rows : undefined;
}
