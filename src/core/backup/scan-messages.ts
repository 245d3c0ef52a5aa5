import type { Problem } from '../problem.ts';
import type { ChunkSizes } from '../vault/chunker.ts';

/** What a scanning thread is told first. */
export interface ScanOrder {
  readonly name: string;
  readonly directory: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The path within the root up to which somebody else scans. */
  readonly after: string;
  /** What files are cut and named with, when their content is wanted too. */
  readonly content?: ContentOrder;
}

/** What a thread needs to turn files into chunks. */
export interface ContentOrder {
  readonly chunkIdKey: Uint8Array;
  readonly gear: Uint8Array;
  readonly sizes: ChunkSizes;
}

/** Asks a scanning thread for its next batch; gives memory for content that is wanted. */
export interface ScanRequest {
  readonly memory?: SharedArrayBuffer | undefined;
}

/** One answer of a scanning thread: entries in their byte form, one behind the other. */
export interface ScanBatch {
  /** With the ids of their chunks where their content stands in {@link content}. */
  readonly entries: Uint8Array;
  /** Where the chunks of all those entries stand, in order; empty when no content was wanted. */
  readonly content: Uint8Array;
  readonly chunkLengths: Uint32Array;
  readonly problems: readonly Problem[];
  /** Whether this was the last. */
  readonly ended: boolean;
  /** Why the scan broke off. */
  readonly failure?: string;
}
