import type { LiveStat } from './live-tree.ts';
import type { SelectedPath } from './selection.ts';
import type { Stamp } from './stamp.ts';

/** An entry that is going to be made. Paths are relative to the root. */
export interface NewEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  /** Bytes of a file's content. */
  readonly size: number;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly chunks: Buffer;
  readonly target: string | undefined;
}

/** A file, link or whole new directory to be put in place by one move. */
export interface Placement {
  readonly path: string;
  /** What stands there now and is moved aside. */
  readonly live: LiveStat | undefined;
  /** Of that, as it was planned. */
  readonly before: Stamp | undefined;
  /** The entry itself, then everything below it in order. */
  readonly entries: NewEntry[];
}

/** Something live that is moved away: a file, a link, or a directory with all that is in it. */
export interface Removal {
  readonly path: string;
  readonly live: LiveStat;
  readonly before: Stamp;
}

/** Mode and time of change. */
export interface Marks {
  readonly mode: number;
  readonly mtimeNs: bigint;
}

/** A live file or directory that stays, but gets another mode or time. */
export interface Adjustment {
  readonly path: string;
  /** Undefined only for the root itself, when it does not exist yet. */
  readonly live: LiveStat | undefined;
  readonly after: Marks;
}

/** Files and links by what becomes of them. */
export interface PlanCounts {
  create: number;
  /** Also those that keep their content and get another mode. */
  replace: number;
  delete: number;
  unchanged: number;
  /** Of those that keep their content, and of directories: how many get another mode or time. */
  adjusted: number;
  /** Bytes of content that are going to be written. */
  bytes: number;
}

/** What becomes of one root. */
export interface RootPlan {
  /** In manifest order. */
  readonly placements: readonly Placement[];
  readonly removals: readonly Removal[];
  /** Deepest first. */
  readonly adjustments: readonly Adjustment[];
  readonly counts: PlanCounts;
  /** Selected paths that the backup does not have. */
  readonly missing: readonly string[];
  /** Files that have to be written and cannot be, as the caller wants them left out. */
  readonly leftOut: readonly string[];
  /** Paths in the backup that change: what an undo has to bring back. */
  readonly touched: readonly SelectedPath[];
}

/** Whether carrying out a plan would change anything. */
export function changesAnything(plan: RootPlan): boolean {
  return plan.placements.length + plan.removals.length + plan.adjustments.length > 0;
}

/** Counts with nothing in them. */
export function noCounts(): PlanCounts {
  return { create: 0, replace: 0, delete: 0, unchanged: 0, adjusted: 0, bytes: 0 };
}
