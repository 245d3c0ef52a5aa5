import type { JSONPath } from 'jsonc-parser';

/** A mistake that no single value shows, at the value to correct. */
export interface Conflict {
  readonly path: JSONPath;
  readonly message: string;
}
