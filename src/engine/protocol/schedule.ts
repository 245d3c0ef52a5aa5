import type { DrillReport } from '../../core/drill/drill.ts';
import type { DueRuns } from '../../core/schedule/run.ts';
import type { HandedOver } from '../../core/schedule/handover.ts';
import type { ListedJob } from '../../core/schedule/survey.ts';
import type { InSet, InWorkspace } from './scope.ts';

/** Who does what is due in a workspace. */
export interface SchedulerState {
  readonly isHandedOver: boolean;
  /** When something is due next, ISO 8601 UTC; undefined when nothing is scheduled. */
  readonly nextRun: string | undefined;
}

/** What is done by itself, and what is rehearsed. */
export interface ScheduleOperations {
  /** What is due when. */
  jobs: { in: InWorkspace; out: readonly ListedJob[] };
  /** Whether the system's own scheduler does what is due, and when something is due next. */
  scheduler: { in: InWorkspace; out: SchedulerState };
  /** Has the system's own scheduler do what is due, besides VS Code. */
  handOver: { in: InWorkspace; out: Pick<HandedOver, 'scheduler' | 'notice'> };
  /** Takes it away from the system's scheduler. */
  takeBack: { in: InWorkspace; out: null };
  /** Does what is due now. */
  runDue: { in: InWorkspace & { readonly background: true }; out: DueRuns };
  /** Restores a backup, by default the latest, to a scratch place and compares it. */
  drill: { in: InSet & { readonly backup?: string | undefined }; out: DrillReport };
}
