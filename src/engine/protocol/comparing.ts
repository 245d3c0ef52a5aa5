import type { ObjectChange } from '../../core/compare/objects.ts';
import type { TableSummary } from '../../core/compare/rows.ts';
import type { Problem } from '../../core/problem.ts';
import type { EntryType } from '../../core/vault/entry.ts';
import type { FailureData } from '../failure.ts';
import type { InVersions } from './rows.ts';
import type { OfBackup, OfEntry } from './scope.ts';

/** One entry that differs between two backups; sizes are absent where the entry is. */
export interface EntryChange {
  readonly path: string;
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  /** Where it was, for `renamed`. */
  readonly oldPath?: string | undefined;
  readonly type: EntryType;
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  /** Content that is no text, as far as was looked. */
  readonly binary: boolean;
}

/** Entries that differ, and what is not known of others. */
interface FoundChanges {
  readonly changes: readonly EntryChange[];
  /** What one of the sides could not read: nothing at or below these paths is told as deleted. */
  readonly problems: readonly Problem[];
  /** Why git had no part in it: then what was renamed and changed is told as deleted and added. */
  readonly hint: FailureData | undefined;
}

/** What differs between versions: files and tables. */
export interface ComparingOperations {
  /** What differs between two backups of a set, in the order of paths. */
  changes: {
    in: OfBackup & {
      readonly from: string;
      /** Empty: everything; renames are found only then. */
      readonly paths: readonly string[];
      /** Whether to look into files for whether they are text. */
      readonly probe: boolean;
    };
    out: FoundChanges;
  };
  /**
   * What differs between a backup and the folders of its set as they are now, by the rule an incremental backup goes by:
   * a file whose stat did not change is not read.
   */
  workingChanges: {
    in: OfBackup & {
      /** Empty: everything; renames are found only then, and only when `probe` is set. */
      readonly paths: readonly string[];
      /** Whether to look into files for whether they are text. */
      readonly probe: boolean;
    };
    out: FoundChanges;
  };
  /** Tables that differ between two versions; databases that cannot be read are problems. */
  tables: {
    in: InVersions & { readonly databases?: readonly string[] | undefined };
    out: {
      readonly tables: readonly TableSummary[];
      /** What else differs of live databases; of two backups `changes` tells. */
      readonly objects: readonly ObjectChange[];
      readonly problems: readonly Problem[];
    };
  };
  /** An object of a live database beside that of a backup. Fails with `no-object` where neither has it. */
  liveObject: {
    in: OfEntry;
    /** Bytes of the backup’s, and what the live one is now; absent where it is not. */
    out: { readonly before: number | undefined; readonly live: Uint8Array | undefined };
  };
}
