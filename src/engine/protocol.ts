/**
 * What the host and the engine say to each other: JSON-RPC over the child process's IPC channel, whose messages
 * are structured clones (bytes and names that are not UTF-8 pass as they are). Shapes follow the command line's
 * JSON; paths are entries' paths in a backup, `files/<root>/…`, with '' for the top of the backup.
 */
import { NotificationType, ProgressType, RequestType } from 'vscode-jsonrpc';
import type { Recovered } from '../core/restore/recover.ts';
import type { Progress } from '../core/task.ts';
import type { FailureData } from './failure.ts';
import type { ComparingOperations } from './protocol/comparing.ts';
import type { DashboardOperations } from './protocol/dashboard.ts';
import type { EntryOperations } from './protocol/entries.ts';
import type { HistoryOperations } from './protocol/history.ts';
import type { RestoringOperations } from './protocol/restoring.ts';
import type { RowOperations } from './protocol/rows.ts';
import type { ScheduleOperations } from './protocol/schedule.ts';
import type { SetOperations } from './protocol/sets.ts';
import type { UpkeepOperations } from './protocol/upkeep.ts';
import type { VaultOperations } from './protocol/vaults.ts';

export type * from './protocol/comparing.ts';
export type * from './protocol/dashboard.ts';
export type * from './protocol/entries.ts';
export type * from './protocol/history.ts';
export type * from './protocol/restoring.ts';
export type * from './protocol/rows.ts';
export type * from './protocol/scope.ts';
export type * from './protocol/schedule.ts';
export type * from './protocol/sets.ts';
export type * from './protocol/upkeep.ts';
export type * from './protocol/vaults.ts';

/** Every request: what goes in, what comes out. */
export interface Operations
  extends
    SetOperations,
    ComparingOperations,
    HistoryOperations,
    EntryOperations,
    RestoringOperations,
    RowOperations,
    ScheduleOperations,
    UpkeepOperations,
    VaultOperations,
    DashboardOperations {}

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
  details: false,
  changes: false,
  workingChanges: false,
  fileHistory: false,
  lineOrigins: false,
  findPaths: false,
  searchText: false,
  tables: false,
  liveObject: false,
  rows: false,
  countRows: false,
  copyRows: false,
  copyCell: false,
  planRows: false,
  restoreRows: true,
  undoRows: true,
  list: false,
  stat: false,
  read: false,
  planRestore: false,
  restore: true,
  planUndo: false,
  undoRestore: true,
  concerning: false,
  endInterrupted: true,
  pin: true,
  label: true,
  forget: true,
  unforget: true,
  prune: true,
  verify: false,
  doctor: false,
  jobs: false,
  scheduler: false,
  handOver: true,
  takeBack: true,
  runDue: true,
  drill: false,
  vaults: false,
  saveRecoveryKey: true,
  figures: false,
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

/** A secret that a set file names as `${secret:NAME}`. */
export interface SecretQuestion {
  readonly name: string;
  /** The folder the set file is of, absolute. */
  readonly workspace: string;
}

/** Asked by the engine of its host, which may ask the user; null when nobody knows it. */
export const secretOf = new RequestType<SecretQuestion, string | null, void>('secret');

/** How far a running request is. */
export const progressOf = new ProgressType<Progress>();
