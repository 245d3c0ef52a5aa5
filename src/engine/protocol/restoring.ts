import type { MovedRoot } from '../../core/moved-roots.ts';
import type { Lacking } from '../../core/restore/lacking.ts';
import type { Decision, Recovered } from '../../core/restore/recover.ts';
import type { RestoredDatabase } from '../../core/restore/plan-databases.ts';
import type { InSet, InWorkspace, OfBackup } from './scope.ts';

/** What a restore leaves out. */
interface LeftOut extends Lacking {
  /** Whether all of it is what the vault has lost or damaged. */
  readonly isDamage: boolean;
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
  /** In the order of paths; `unchanged` ones are left out. */
  readonly steps: readonly { readonly path: string; readonly action: 'create' | 'replace' | 'delete' }[];
  /** What is left out; absent when nothing is. */
  readonly skipped?: LeftOut | undefined;
  /** Roots in which nothing is deleted, though it was wanted: a part of their list is damaged; absent in what was done. */
  readonly notDeleted?: readonly string[] | undefined;
  /** What the backup lacks of it; absent when it is whole. */
  readonly lacking?: Lacking | undefined;
  /** Roots that go somewhere else than where the backup is of. */
  readonly moved: readonly MovedRoot[];
}

/** What a restore may do that has to be agreed to. */
export interface Consent {
  /** Whether sessions of others may be ended when a database is switched; without it that fails with `in-use`. */
  readonly endSessions?: boolean | undefined;
  /** Whether what the vault has lost or damaged is left out; without it that fails with `damaged`, `missing-chunk`. */
  readonly skipDamaged?: boolean | undefined;
}

/** Which restore is taken back. */
interface UndoRequest extends InSet, Consent {
  /** Id of the safety backup of the restore that is meant; when another came since, it fails with `restored-since`. */
  readonly meant?: string | undefined;
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

/** What taking the last restore back would do. */
export interface UndoPlan extends RestorePlan {
  /** Id of the backup that was taken before that restore. */
  readonly backup: string;
  /** The databases and tables that come back from it. */
  readonly databasePaths: readonly string[];
}

/** What a restore has done. */
export interface RestoreResult {
  readonly plan: Omit<RestorePlan, 'steps' | 'lacking' | 'moved'>;
  readonly safetyBackup: string | null;
  readonly verified: boolean;
  readonly durationMs: number;
}

/** Bringing back: everything or parts. */
export interface RestoringOperations {
  planRestore: { in: RestoreRequest; out: RestorePlan };
  restore: { in: RestoreRequest; out: RestoreResult };
  planUndo: { in: UndoRequest; out: UndoPlan };
  /** Takes the last restore of a set back. */
  undoRestore: { in: UndoRequest; out: RestoreResult };
  /** Which interrupted restores somebody with this workspace is to be told of, by their ids. */
  concerning: {
    in: InWorkspace & { readonly restores: readonly Recovered[] };
    out: { readonly restores: readonly string[] };
  };
  /** Ends a restore that was interrupted, of any workspace. `keep` overwrites nothing, `end` may run a restore command. */
  endInterrupted: { in: { readonly restore: string; readonly decision: Decision }; out: Recovered };
}
