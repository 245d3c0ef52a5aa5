import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { BitSet } from './bit-set.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { VaultError } from './error.ts';
import type { ChunkIndex } from './index.ts';
import { viewsIn } from './manifest.ts';
import type { ChunkReader } from './reader.ts';
import type { BackupRecord } from './record.ts';

/** What backups need of a vault, by the numbers of an index. */
export interface Liveness {
  /** Chunks that backups are made of. */
  readonly chunks: BitSet;
  /** Those of them that are parts of manifests. */
  readonly manifests: BitSet;
}

/**
 * Marks every chunk that backups are made of: their manifests and all content these name. Backups whose losses are known ({@link BackupRecord.lostPaths}) may lack chunks; all others must be whole,
 * because what cannot be read cannot be known to be unneeded.
 * @param isTolerant Whether all may lack chunks, and manifests may be unreadable.
 * @throws {VaultError} `damaged`, naming the first backup and path found to lack something; {CancelledError}.
 */
export async function markLive(
  reader: ChunkReader,
  index: ChunkIndex,
  records: readonly BackupRecord[],
  task: Task,
  isTolerant = false,
): Promise<Liveness> {
  const chunks = new BitSet(index.numberCount);
  const manifests = new BitSet(index.numberCount);
  // Whole backups first: what they share with damaged ones must be whole.
  const inOrder = records.toSorted((a, b) => (a.lostPaths ?? 0) - (b.lostPaths ?? 0));
  for (const [number, record] of inOrder.entries()) {
    task.progress?.({ phase: 'mark', done: number, total: inOrder.length, unit: 'backups' });
    const mayLack = isTolerant || (record.lostPaths ?? 0) > 0;
    for (const segment of record.manifest) {
      for (let at = 0; at < segment.chunks.length; at += CHUNK_ID_BYTES) {
        throwIfCancelled(task);
        const first = segment.firstPaths[at / CHUNK_ID_BYTES] ?? segment.root;
        const chunk = index.find(segment.chunks, at);
        if (chunk < 0) {
          if (mayLack) continue;
          throw incomplete(record, first);
        }
        chunks.add(chunk);
        if (!manifests.add(chunk)) continue;
        const bytes = await readManifestChunk(reader, index, chunk);
        if (bytes instanceof Error) {
          if (isTolerant) continue;
          throw incomplete(record, first, bytes);
        }
        for (const view of viewsIn(bytes)) {
          const isWhole = markAll(view.chunks, index, chunks);
          if (!isWhole && !mayLack) throw incomplete(record, view.path);
        }
      }
    }
  }
  return { chunks, manifests };
}

async function readManifestChunk(
  reader: ChunkReader,
  index: ChunkIndex,
  chunk: number,
): Promise<Buffer | CrmBackupError> {
  try {
    return await reader.readChunk(index.idOf(chunk), index);
  } catch (error) {
    if (error instanceof CrmBackupError) return error;
    throw error;
  }
}

/** Marks chunks by their ids; false when one of them is missing. */
function markAll(ids: Buffer, index: ChunkIndex, chunks: BitSet): boolean {
  let isWhole = true;
  for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
    const chunk = index.find(ids, at);
    if (chunk < 0) isWhole = false;
    else chunks.add(chunk);
  }
  return isWhole;
}

/** All chunks that backups rest on, as far as they are there; what cannot be read is passed over. */
export async function findLive(
  reader: ChunkReader,
  index: ChunkIndex,
  records: readonly BackupRecord[],
  task: Task,
): Promise<BitSet> {
  const { chunks } = await markLive(reader, index, records, task, true);
  const all = chunks.copy();
  for (const chunk of chunks.values()) {
    for (const needed of index.dictionaryOf(index.place(chunk).frame)) {
      if (index.isKnown(needed)) all.add(needed);
    }
  }
  return all;
}

/**
 * Adds what delta frames were coded against. A frame that stays as it is needs its whole dictionary, one that is coded
 * again (`isNarrowed`) only what its marked chunks correspond to.
 * @param staying Delta frames that stay although no marked chunk is in them; what they list must not lose its base.
 * @throws {VaultError} `damaged` when a part of a dictionary is missing.
 */
export function withDictionaries(
  index: ChunkIndex,
  marked: BitSet,
  isNarrowed: (frame: number) => boolean,
  staying: Iterable<number> = [],
): BitSet {
  const chunks = marked.copy();
  const frames = new BitSet(index.frameCount);
  const waiting: number[] = [];
  const addAll = (dictionary: Uint32Array): void => {
    for (const needed of dictionary) {
      if (!index.isKnown(needed)) throw incompleteDictionary();
      // Dictionaries stand alone; one that no longer does has a dictionary of its own.
      if (chunks.add(needed) && index.isDelta(needed)) waiting.push(needed);
    }
  };
  for (const frame of staying) if (frames.add(frame)) addAll(index.dictionaryOf(frame));
  for (const chunk of marked.values()) if (index.isDelta(chunk)) waiting.push(chunk);
  for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
    const { frame } = index.place(chunk);
    if (isNarrowed(frame)) addAll(index.dictionaryOfChunk(chunk));
    else if (frames.add(frame)) addAll(index.dictionaryOf(frame));
  }
  return chunks;
}

function incompleteDictionary(): VaultError {
  return new VaultError(
    'damaged',
    'The vault lacks a part of what changed files were stored against, so what may go is not known.',
    { hint: REPAIR_FIRST },
  );
}

const REPAIR_FIRST = 'Run “crm-backup repair” first: it tells what is lost and what can be rebuilt.';

function incomplete(record: BackupRecord, path: string, cause?: unknown): VaultError {
  return new VaultError(
    'damaged',
    `The vault lacks content of backup ${record.id.slice(0, 8)} (${path}), so what may go is not known.`,
    { cause, hint: REPAIR_FIRST },
  );
}
