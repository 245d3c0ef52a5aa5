import type { DrillReport } from '../../core/drill/drill.ts';
import type { DueRuns } from '../../core/schedule/run.ts';
import type { ListedJob } from '../../core/schedule/survey.ts';
import type { InSet, InWorkspace } from './scope.ts';

/** What is done by itself, and what is rehearsed. */
export interface ScheduleOperations {
  /** What is due when. */
  jobs: { in: InWorkspace; out: readonly ListedJob[] };
  /** Does what is due now. */
  runDue: { in: InWorkspace & { readonly background: true }; out: DueRuns };
  /** Restores a backup, by default the latest, to a scratch place and compares it. */
  drill: { in: InSet & { readonly backup?: string | undefined }; out: DrillReport };
}
