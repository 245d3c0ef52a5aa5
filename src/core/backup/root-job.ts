import type { Problem } from '../problem.ts';
import type { ScanRoot } from '../source/scan.ts';
import type { Task } from '../task.ts';
import type { Chunker } from '../vault/chunker.ts';
import type { ManifestSegment, ReadChunk } from '../vault/manifest.ts';
import type { VaultKeys } from '../vault/seal.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import { AheadScan } from './scan-ahead.ts';
import type { Tally } from './tally.ts';

/** A file root to back up. */
export interface RootJob {
  readonly root: ScanRoot;
  /** The root's part of the backup this one is told against. */
  readonly previous: ManifestSegment | undefined;
  /** When that backup began, nanoseconds since 1970, if unchanged files may be taken from it; a full takes none. */
  readonly baseStartedAtNs: bigint | undefined;
  /** Files in the previous backup, to tell how far this one is. */
  readonly expectedFiles: number | undefined;
}

/** Where a root's content goes. */
export interface RootSink {
  readonly writer: ChunkWriter;
  readonly chunker: Chunker;
  readonly keys: Pick<VaultKeys, 'chunkId' | 'gear'>;
  readonly readManifestChunk: ReadChunk;
  readonly report: (problem: Problem) => void;
}

export interface RootResult {
  readonly segment: ManifestSegment;
  readonly tally: Tally;
}

/**
 * Begins to scan a root in a thread, to read its files too where the backup takes none over.
 * @param after the path within the root up to which somebody else scans; the root itself always is
 */
export function beginScan(
  { root, baseStartedAtNs }: RootJob,
  { chunker, keys }: Pick<RootSink, 'chunker' | 'keys'>,
  { signal }: Task,
  after = '',
): AheadScan {
  const { name, directory, include, exclude } = root;
  const content = { chunkIdKey: keys.chunkId, gear: keys.gear, sizes: chunker.sizes };
  const order = { name, directory, include, exclude, after };
  return new AheadScan(baseStartedAtNs === undefined ? { ...order, content } : order, { signal });
}
