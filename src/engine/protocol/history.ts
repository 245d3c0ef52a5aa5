import type { TextQuery } from '../../core/history/search-text.ts';
import type { FailureData } from '../failure.ts';
import type { InSet, OfEntry } from './scope.ts';

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

/** An answer from many backups may lack something. */
interface FromBackups {
  /** Backups that could not be searched as a whole, because something of them is lost. */
  readonly unread: readonly string[];
}

/** Versions of a file, and what is found across backups. */
export interface HistoryOperations {
  /** Every version of a file over the backups of a set, newest first. The hint says why git had no part in it. */
  fileHistory: {
    in: InSet & { readonly path: string };
    out: FromBackups & { readonly versions: readonly FileVersion[]; readonly hint: FailureData | undefined };
  };
  /** For every line of a file in a backup, the backup it was changed in; none for what is no text or large. */
  lineOrigins: { in: OfEntry; out: readonly LineOrigin[] };
  /**
   * Files of all backups by name: whose path contains the pattern, whatever the case, or matches it where it has `*`, `?`
   * or the like; at most so many.
   */
  findPaths: {
    in: InSet & { readonly pattern: string; readonly most: number };
    out: FromBackups & { readonly matches: readonly PathMatch[] };
  };
  /** The backups that brought a text into a file or took it out, newest first. */
  searchText: {
    in: InSet & TextQuery;
    out: FromBackups & { readonly matches: readonly TextMatch[] };
  };
}
