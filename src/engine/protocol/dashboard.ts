import type { Figures } from '../../core/metrics/figures.ts';
import type { InSet } from './scope.ts';

/** What the dashboard shows. */
export interface DashboardOperations {
  figures: {
    in: InSet;
    out: {
      /** Undefined while the set has no vault. */
      readonly figures: Figures | undefined;
      /** When scheduled backups of the next two weeks are due, ISO 8601 UTC, in order. */
      readonly planned: readonly string[];
    };
  };
}
