import type { KeepReason } from '../../core/retention/retain.ts';
import type { Trouble } from '../../core/schedule/troubles.ts';
import type { WaitingEntry } from '../../core/schedule/waiting-entries.ts';
import type { BackupKind, BackupRecord } from '../../core/vault/record.ts';
import type { FailureData } from '../failure.ts';
import type { InSet, InWorkspace, OfBackup } from './scope.ts';

/** One backup, as lists show it: its record without what only restoring needs. */
export interface BackupSummary extends Omit<BackupRecord, 'format' | 'sources' | 'phases' | 'manifest'> {
  /** Why the set's retention keeps it: for no reason, the next “forget” takes it. Absent where there is no retention. */
  readonly keptBecause?: readonly KeepReason[] | undefined;
}

/** A backup that was just taken. */
export interface TakenBackup extends BackupSummary {
  /** Sentences about commands around it that failed, and about roots that have moved. */
  readonly notices: readonly string[];
}

/** What is known of one backup beyond its summary. Durations in milliseconds. */
export interface BackupDetails {
  /** How long each phase took. */
  readonly phases: BackupRecord['phases'];
  /** How long this backup took to come back, the last time; null before the first. */
  readonly recoveryMs: number | null;
  /** How long it would take, by rates measured with this set's backups; null where too little was measured. */
  readonly estimatedRecoveryMs: number | null;
}

/** What of a set's schedule comes first. */
export interface NextWork {
  readonly kind: string;
  /** ISO 8601; undefined for now. */
  readonly at: string | undefined;
  /** Why the last time did not go well. */
  readonly message: string | undefined;
  /** Whether it is still to be remembered from when on its times count: what is due is then to be done, though nothing is. */
  readonly isNew: boolean;
}

/** A backup set and how it stands. */
export interface SetState {
  readonly name: string;
  /** Where its vault is: a directory; undefined when its place cannot be told. */
  readonly vault: string | undefined;
  readonly roots: readonly { readonly name: string; readonly directory: string }[];
  readonly databases: readonly string[];
  /** Newest first. */
  readonly backups: readonly BackupSummary[];
  /**
   * What the latest backups hold ÷ what their vault takes on disk, as `stats` tells it: of all sets
   * that share it. Null before the first of this one.
   */
  readonly ratio: number | null;
  /** Backups whose records cannot be read any more, and why. */
  readonly damaged: readonly { readonly id: string; readonly message: string }[];
  /** When the last restore that can be taken back was done, ISO 8601. */
  readonly restoredAt: string | undefined;
  /** What is done next by itself. */
  readonly next: NextWork | undefined;
  /** Why the set or its vault cannot be used. */
  readonly problem: FailureData | undefined;
  /** What somebody has to know of its scheduled work, the worst first. */
  readonly troubles: readonly Trouble[];
  /** Entries of its schedule that always wait for the off-peak hours, and where they stand in the set file. */
  readonly waiting: readonly WaitingEntry[];
}

/**
 * A set as the engine tells it. Whoever says which state they know gets only what is different: thousands of backups are
 * not sent again because of one.
 */
export interface ToldSet extends SetState {
  /** Names this state, for the next question. */
  readonly revision: string;
  /** Ids of backups that are gone; when present, `backups` has only those that are new or different. */
  readonly removed: readonly string[] | undefined;
}

/** Sets and new backups. */
export interface SetOperations {
  /** The workspace's sets with their backups; without a set file there are none. */
  state: {
    in: InWorkspace & {
      /** What the asker knows already: the revision of a set's state by the set's name. */
      readonly known?: Readonly<Record<string, string>> | undefined;
    };
    out: { readonly setFile: string; readonly sets: readonly ToldSet[] };
  };
  createSet: { in: InSet; out: { readonly setFile: string; readonly vault: string } };
  backup: {
    in: InSet & {
      readonly kind: BackupKind | 'auto';
      readonly label?: string | undefined;
      readonly background?: boolean;
    };
    out: TakenBackup;
  };
  /** Asked for one backup when somebody wants to know. */
  details: { in: OfBackup; out: BackupDetails };
}
