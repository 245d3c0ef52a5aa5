import type { Problem } from '../problem.ts';

/** What a scanning thread is started with. */
export interface ScanOrder {
  readonly name: string;
  readonly directory: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** One answer of a scanning thread: entries in their byte form, one behind the other. */
export interface ScanBatch {
  readonly entries: Uint8Array;
  readonly problems: readonly Problem[];
  /** Whether this was the last. */
  readonly ended: boolean;
  /** Why the scan broke off. */
  readonly failure?: string;
}
