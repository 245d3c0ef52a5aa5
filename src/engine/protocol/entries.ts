import type { EntryType } from '../../core/vault/entry.ts';
import type { OfEntry } from './scope.ts';

/** What an entry of a backup is. */
export interface EntryInfo {
  readonly path: string;
  readonly type: EntryType;
  readonly size: number;
  readonly mtimeMs: number;
  readonly mode: number;
  /** How many rows a table has. */
  readonly rows?: number | undefined;
  /** Where a link points. */
  readonly target?: string | undefined;
}

/** What is in a backup. */
export interface EntryOperations {
  list: { in: OfEntry; out: readonly EntryInfo[] };
  stat: { in: OfEntry; out: EntryInfo };
  /** The content of a file; of a link, where it points. */
  read: { in: OfEntry; out: Uint8Array };
}
