/**
 * What the host and the engine say to each other: JSON-RPC over the child process's IPC channel, whose messages
 * are structured clones (bytes and names that are not UTF-8 pass as they are). Shapes follow the command line's
 * JSON; paths are entries' paths in a backup, `files/<root>/…`, with '' for the top of the backup.
 */
import { NotificationType, ProgressType, RequestType } from 'vscode-jsonrpc';
import type { RowPage, RowPageRequest, TableSummary } from '../core/compare/rows.ts';
import type { Check } from '../core/doctor/check.ts';
import type { TextQuery } from '../core/history/search-text.ts';
import type { Problem } from '../core/problem.ts';
import type { RestoredDatabase } from '../core/restore/plan-databases.ts';
import type { Recovered } from '../core/restore/recover.ts';
import type { RowRestorePlan, RowRestoreRequest } from '../core/restore/rows.ts';
import type { Progress } from '../core/task.ts';
import type { EntryType } from '../core/vault/entry.ts';
import type { BackupKind, BackupRecord } from '../core/vault/record.ts';
import type { Verification } from '../core/vault/verify.ts';
import type { FailureData } from './failure.ts';

/** The workspace folder a request is about, as an absolute path. */
export interface InWorkspace {
  readonly workspace: string;
}

/** A backup set of a workspace. */
export interface InSet extends InWorkspace {
  readonly set: string;
}

/** One backup of a set: its id, or a reference as the command line takes it. */
export interface OfBackup extends InSet {
  readonly backup: string;
}

/** One entry of a backup. */
export interface OfEntry extends OfBackup {
  readonly path: string;
}

/** One backup, as lists show it: its record without what only restoring needs. */
export type BackupSummary = Omit<BackupRecord, 'format' | 'sources' | 'phases' | 'manifest'>;

/** A backup set and how it stands. */
export interface SetState {
  readonly name: string;
  /** Where its vault is: a directory; undefined when its place cannot be told. */
  readonly vault: string | undefined;
  readonly roots: readonly { readonly name: string; readonly directory: string }[];
  readonly databases: readonly string[];
  /** Newest first. */
  readonly backups: readonly BackupSummary[];
  /** Backups whose records cannot be read any more, and why. */
  readonly damaged: readonly { readonly id: string; readonly message: string }[];
  /** When the last restore that can be taken back was done, ISO 8601. */
  readonly restoredAt: string | undefined;
  /** Why the set or its vault cannot be used. */
  readonly problem: FailureData | undefined;
}

/** What an entry of a backup is. */
export interface EntryInfo {
  readonly path: string;
  readonly type: EntryType;
  readonly size: number;
  readonly mtimeMs: number;
  readonly mode: number;
  /** Where a link points. */
  readonly target?: string | undefined;
}

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

/** One version of a file: the first backup that has it so. */
export interface FileVersion {
  readonly backup: string;
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  /** What it was called then. */
  readonly path: string;
  /** What it was called before, for `renamed`. */
  readonly oldPath?: string | undefined;
  /** Bytes; absent when it was deleted. */
  readonly size?: number | undefined;
  /** Lines; absent where nobody counted them. */
  readonly added?: number | undefined;
  readonly deleted?: number | undefined;
}

/** Lines next to each other that have been as they are since the same backup; the first line is 1. */
export interface LineOrigin {
  readonly line: number;
  readonly count: number;
  readonly backup: string;
}

/** A file that was found by its name. */
export interface PathMatch {
  readonly path: string;
  /** Bytes, as the newest backup with it has it. */
  readonly size: number;
  /** The newest and the oldest backup that has it. */
  readonly newest: string;
  readonly oldest: string;
}

/** A file in which a backup changed how often a text occurs. */
export interface TextMatch {
  readonly backup: string;
  readonly path: string;
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed';
  /** What it was called before, for `renamed`. */
  readonly oldPath?: string | undefined;
}

/** What a restore would do, or has done, as counts and by name. */
export interface RestorePlan {
  readonly create: number;
  readonly replace: number;
  readonly delete: number;
  readonly unchanged: number;
  /** Bytes to write. */
  readonly bytes: number;
  readonly databases: readonly RestoredDatabase[];
  /** The paths, sorted; `unchanged` ones are left out. */
  readonly steps: readonly { readonly path: string; readonly action: 'create' | 'replace' | 'delete' }[];
}

/** What a restore may do to others. */
interface Consent {
  /** Whether sessions of others may be ended when a database is switched; without it that fails with `in-use`. */
  readonly endSessions?: boolean | undefined;
}

/** What to restore and where to. */
export interface RestoreRequest extends OfBackup, Consent {
  /** `files`, `databases` and what is below them; empty: everything. */
  readonly paths: readonly string[];
  /** A folder to lay the backup out in; absent: the original place. */
  readonly to?: string | undefined;
  /** Remove what is in the target but not in the backup. */
  readonly delete: boolean;
  /** Take a backup first, so that the restore can be undone; only in the original place. */
  readonly safetyBackup: boolean;
}

/** What a restore has done. */
export interface RestoreResult {
  readonly plan: Omit<RestorePlan, 'steps'>;
  readonly safetyBackup: string | null;
  readonly verified: boolean;
  readonly durationMs: number;
}

/** Two versions of a set’s databases. */
export interface InVersions extends InSet {
  /** A backup. */
  readonly from: string;
  /** Another backup; null for what is live. */
  readonly to: string | null;
}

/** Which rows of a live database are restored, and how. */
export interface RowRestoreInput extends InVersions, Omit<RowRestoreRequest, 'compared'> {
  readonly database: string;
}

/** Every request: what goes in, what comes out. */
export interface Operations {
  /** The workspace's sets with their backups; without a set file there are none. */
  state: { in: InWorkspace; out: { readonly setFile: string; readonly sets: readonly SetState[] } };
  createSet: { in: InSet; out: { readonly setFile: string; readonly vault: string } };
  backup: {
    in: InSet & {
      readonly kind: BackupKind | 'auto';
      readonly label?: string | undefined;
      readonly background?: boolean;
    };
    out: BackupSummary;
  };
  /** What differs between two backups of a set, in the order of paths. */
  changes: {
    in: OfBackup & {
      readonly from: string;
      /** Empty: everything; renames are found only then. */
      readonly paths: readonly string[];
      /** Whether to look into files for whether they are text. */
      readonly probe: boolean;
    };
    /** The hint says why git had no part in it: then what was renamed and changed is told as deleted and added. */
    out: { readonly changes: readonly EntryChange[]; readonly hint: FailureData | undefined };
  };
  /** Every version of a file over the backups of a set, newest first. The hint says why git had no part in it. */
  fileHistory: {
    in: InSet & { readonly path: string };
    out: { readonly versions: readonly FileVersion[]; readonly hint: FailureData | undefined };
  };
  /** For every line of a file in a backup, the backup it was changed in; none for what is no text or large. */
  lineOrigins: { in: OfEntry; out: readonly LineOrigin[] };
  /**
   * Files of all backups by name: whose path contains the pattern, whatever the case, or matches it where it has `*`, `?`
   * or the like; at most so many.
   */
  findPaths: {
    in: InSet & { readonly pattern: string; readonly most: number };
    out: readonly PathMatch[];
  };
  /** The backups that brought a text into a file or took it out, newest first. */
  searchText: { in: InSet & TextQuery; out: readonly TextMatch[] };
  /** Tables that differ between two versions; databases that cannot be read are problems. */
  tables: {
    in: InVersions & { readonly databases?: readonly string[] | undefined };
    out: { readonly tables: readonly TableSummary[]; readonly problems: readonly Problem[] };
  };
  /** Rows of a table that differ, page by page. `table` is its path below the database. */
  rows: {
    in: InVersions & { readonly database: string; readonly table: string; readonly page: RowPageRequest };
    out: RowPage;
  };
  /** What restoring chosen rows would do. */
  planRows: { in: RowRestoreInput; out: RowRestorePlan };
  restoreRows: { in: RowRestoreInput; out: RowRestorePlan };
  list: { in: OfEntry; out: readonly EntryInfo[] };
  stat: { in: OfEntry; out: EntryInfo };
  /** The content of a file; of a link, where it points. */
  read: { in: OfEntry; out: Uint8Array };
  planRestore: { in: RestoreRequest; out: RestorePlan };
  restore: { in: RestoreRequest; out: RestoreResult };
  planUndo: { in: InSet & Consent; out: RestorePlan };
  /** Takes the last restore of a set back. */
  undoRestore: { in: InSet & Consent; out: RestoreResult };
  pin: { in: OfBackup & { readonly pinned: boolean }; out: null };
  label: { in: OfBackup & { readonly label: string | null }; out: null };
  forget: { in: OfBackup; out: null };
  /** Puts a forgotten backup back on the list, until a prune has freed its space. */
  unforget: { in: OfBackup; out: null };
  prune: { in: InSet; out: { readonly freedBytes: number } };
  verify: {
    in: InSet & { readonly backup?: string | undefined; readonly level: 'quick' | 'data' };
    out: Verification;
  };
  doctor: { in: InWorkspace; out: readonly Check[] };
}

export type Operation = keyof Operations;
export type Input<O extends Operation> = Operations[O]['in'];
export type Output<O extends Operation> = Operations[O]['out'];

/**
 * What becomes of an operation when its host vanishes: those which change something are finished, the others
 * have nobody left to answer and are cancelled.
 */
export const finishesAlone: Readonly<Record<Operation, boolean>> = {
  state: false,
  createSet: true,
  backup: true,
  changes: false,
  fileHistory: false,
  lineOrigins: false,
  findPaths: false,
  searchText: false,
  tables: false,
  rows: false,
  planRows: false,
  restoreRows: true,
  list: false,
  stat: false,
  read: false,
  planRestore: false,
  restore: true,
  planUndo: false,
  undoRestore: true,
  pin: true,
  label: true,
  forget: true,
  unforget: true,
  prune: true,
  verify: false,
  doctor: false,
};

/** What travels as a request's parameters. */
export interface Call<O extends Operation> {
  readonly input: Input<O>;
  /** Present when the caller wants to hear of progress, under this token. */
  readonly progress?: number | undefined;
}

/** The request of an operation. */
export function requestOf<O extends Operation>(operation: O): RequestType<Call<O>, Output<O>, FailureData> {
  return new RequestType(operation);
}

/** What the engine found at its start: restores that were interrupted, and what became of them. */
export interface Awakening {
  readonly recovered: readonly Recovered[];
  /** Why one could not be brought to its end. */
  readonly failure: FailureData | undefined;
}

/** Sent once, before the first answer, when there was something to tell. */
export const awakening = new NotificationType<Awakening>('awakening');

/** How far a running request is. */
export const progressOf = new ProgressType<Progress>();
