import type { JournalDatabase } from './database-targets.ts';
import type { Marks } from './root-plan.ts';
import type { Stamp, StagedRoot } from './stamp.ts';

/**
 * How far a restore has come. `planned`: nothing but staging directories was made. `switching`: the moves are on the
 * disk and some may be done; databases are untouched. `loading`: files are in place, and databases are switched.
 * `rolling-back`: what was done is undone. `switched`: all is done but the clearing up. `keeping`: the user has ended it
 * with what is live. `clearing`: it is ended, and only what stands beside a database could not be removed yet. `kept`: as
 * `keeping`, and only a folder that is away has still to be cleared up.
 */
export type JournalPhase =
  | 'planned'
  | 'switching'
  | 'loading'
  | 'rolling-back'
  | 'rolled-back'
  | 'switched'
  | 'keeping'
  | 'clearing'
  | 'kept';

/** A folder that a restore changes. */
export interface JournalRoot {
  /** Absolute, without links. */
  readonly directory: string;
  /** Directories that had to be made to have it, outermost first, but for those an earlier root has made. */
  readonly made: readonly string[];
  /** Its mode and time before; undefined when it was made. */
  readonly before: Marks | undefined;
  /** Undefined when it was made. */
  readonly inode?: string | undefined;
}

export interface JournalHeader {
  readonly version: 1;
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly set: string;
  /** Id of the backup that is restored. */
  readonly backup: string;
  readonly roots: readonly JournalRoot[];
  /** Databases that are restored with them. */
  readonly databases?: readonly JournalDatabase[];
  /** The names of what it changes; see `overLive`. */
  readonly over?: readonly string[] | undefined;
  /** Whether it is a drill’s: nothing live is part of it, so what it has made may wait to be cleared away. */
  readonly isDrill?: boolean | undefined;
}

/** Puts what is staged under `number` to `path`; what stands there is kept under that number. */
export interface PlaceMove {
  readonly op: 'place';
  readonly type: 'file' | 'directory' | 'link';
  readonly root: number;
  readonly number: number;
  readonly path: string;
  /** Of what is staged. */
  readonly fresh: Stamp;
  /** Of what stands there; undefined for nothing. */
  readonly before?: Stamp | undefined;
}

/** Moves what stands at `path` away, to be kept under `number`. */
export interface RemoveMove {
  readonly op: 'remove';
  readonly root: number;
  readonly number: number;
  readonly path: string;
  readonly before: Stamp;
}

export type Move = PlaceMove | RemoveMove;

/** A move before what it places is staged. */
export type PlannedMove = Omit<PlaceMove, 'fresh'> | RemoveMove;

/** Gives a file or directory its marks after the moves or, on the way back, those it had before. */
export interface Remark {
  readonly op: 'mark';
  readonly root: number;
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Undefined where nothing stood. */
  readonly before: Marks | undefined;
  /** Undefined to leave it as the moves leave it; without a time, its time is left so. */
  readonly after: { readonly mode: number; readonly mtimeNs?: bigint | undefined } | undefined;
  /** Whether the directory must first be made writable. */
  readonly unlock: boolean;
  /** Of a file, before. */
  readonly stamp?: Stamp | undefined;
}

/** All that a switch does, in order. */
export interface Switch {
  readonly moves: readonly Move[];
  /** Deepest first. */
  readonly marks: readonly Remark[];
  readonly staged: readonly StagedRoot[];
}

/** What is kept of a restore so that it can be taken back: a file beside the journals, once the restore is done. */
export interface UndoNote {
  /** Of the file. */
  readonly name: string;
  /** Empty when it cannot be taken back. */
  readonly text: string;
}
