import type { Storage } from '../storage/storage.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { VaultError } from '../vault/error.ts';
import type { ChunkIndex, FramePlace } from '../vault/index.ts';
import { packName } from '../vault/pack.ts';
import type { ChunkReader } from '../vault/reader.ts';
import type { VaultKeys } from '../vault/seal.ts';
import type { Owner } from './file-writer.ts';
import { diskError, shownPath } from './disk-failure.ts';
import { fileTime, splitTime } from './file-time.ts';
import { release } from './release.ts';
import { DAMAGE_HINT } from './skipped.ts';
import type { TarExtraction } from './tar-extraction.ts';
import {
  CHUNK_COLUMNS,
  type JobFrame,
  type WriteFailure,
  type WriteJob,
  type WriteResult,
} from './write-files.ts';
import { type ChunkUse, type FrameRun, pathOf, suitsTar } from './write-jobs.ts';

/** Where content comes from and who writes it. */
export interface WriteContext {
  readonly storage: Storage;
  readonly keys: VaultKeys;
  readonly reader: ChunkReader;
  readonly index: ChunkIndex;
  /** What the system takes away from the mode of a new file. */
  readonly umask: number;
  /** Jobs that run at once. */
  readonly lanes: number;
  /** Writes the files whose times Node cannot set; without it they come near. */
  readonly tar: TarExtraction | undefined;
  /** Carries out a job; the bytes in `transfer` are handed over. */
  readonly write: (job: WriteJob, transfer: readonly ArrayBuffer[]) => Promise<WriteResult>;
}

/** Milliseconds by kind of work; decoding and writing are sums over all threads. */
export interface WriteTimes {
  fetchMs: number;
  decodeMs: number;
  writeMs: number;
}

/**
 * Reads the runs from the storage and has their files written, several at once. What is written when it fails or is
 * cancelled stays; nothing is being written any more when this returns or throws.
 * @throws {VaultError} `damaged`. {RestoreError} `no-space`, `permission`, `unsupported-name`, `write-failed`.
 *   {StorageError}, {CancelledError}.
 */
export async function writeNewFiles(
  runs: readonly FrameRun[],
  context: WriteContext,
  task: Task,
): Promise<WriteTimes> {
  const times: WriteTimes = { fetchMs: 0, decodeMs: 0, writeMs: 0 };
  const total = runs.reduce((sum, run) => sum + run.bytes, 0);
  let done = 0;
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    try {
      for (let run = runs[next++]; run !== undefined && !failed; run = runs[next++]) {
        throwIfCancelled(task);
        const startedAt = performance.now();
        const { job, transfer } = await prepare(run, context);
        times.fetchMs += performance.now() - startedAt;
        const { decodeMs, writeMs, archive, failure } = await context.write(job, transfer);
        if (failure !== undefined) {
          const damaged = failure.code === undefined ? frameWith(failure.write, run) : undefined;
          if (damaged !== undefined) context.reader.rememberDamaged(damaged);
          throw failureOf(failure, run);
        }
        if (archive !== undefined) {
          await context.tar?.write(archive);
          release(archive);
        }
        times.decodeMs += decodeMs;
        times.writeMs += writeMs;
        done += run.bytes;
        task.progress?.({ phase: 'write', done, total, unit: 'bytes' });
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: context.lanes }, lane));
  const lost = lanes.find((one) => one.status === 'rejected');
  if (lost !== undefined) throw lost.reason;
  return times;
}

async function prepare(
  run: FrameRun,
  { storage, keys, reader, index, umask, tar }: WriteContext,
): Promise<{ job: WriteJob; transfer: readonly ArrayBuffer[] }> {
  const first = run.frames[0]!.place;
  const last = run.frames.at(-1)!.place;
  const range = { offset: first.offset, length: last.offset + last.sealedBytes - first.offset };
  const sealed = await storage.read(packName(first.pack), range);
  const frames: JobFrame[] = [];
  for (const { place } of run.frames) {
    const { offset, sealedBytes, plainBytes, method, salt } = place;
    const dictionary = await reader.readDictionary(place, index);
    frames.push({ offset, sealedBytes, plainBytes, method, salt, dictionary });
  }
  const user = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const archiveBase = tar?.base ?? '';
  const job = { keys, sealed, frames, umask, user, archiveBase, ...columnsOf(run, tar !== undefined) };
  // A part of a larger buffer is copied: others may be using the rest.
  return {
    job,
    transfer: sealed.byteLength === sealed.buffer.byteLength ? [sealed.buffer as ArrayBuffer] : [],
  };
}

const NOT_FOR_TAR = { seconds: 0, nanoseconds: -1 };

type Columns = Pick<WriteJob, 'chunks' | 'ids' | 'writes' | 'paths' | 'owners'>;

function columnsOf(run: FrameRun, hasTar: boolean): Columns {
  const chunks: number[] = [];
  const ids: Buffer[] = [];
  const writes: number[] = [];
  const paths: string[] = [];
  const owners: Owner[] = [];
  for (const [frame, { uses }] of run.frames.entries()) {
    let before: ChunkUse | undefined;
    for (const use of uses) {
      if (before?.offset !== use.offset) {
        chunks.push(frame, use.offset, use.bytes);
        ids.push(use.file.entry.chunks.subarray(use.at, use.at + CHUNK_ID_BYTES));
      }
      before = use;
      const { file, position } = use;
      const { chunks: all, mode, mtimeNs } = file.entry;
      const whole = all.length === CHUNK_ID_BYTES;
      writes.push(chunks.length / CHUNK_COLUMNS - 1, whole ? -1 : position, mode, fileTime(mtimeNs));
      const { seconds, nanoseconds } = hasTar && suitsTar(file) ? splitTime(mtimeNs) : NOT_FOR_TAR;
      writes.push(numberOf(file.owner, owners), seconds, nanoseconds);
      paths.push(file.file);
    }
  }
  return {
    chunks: Float64Array.from(chunks),
    ids: Buffer.concat(ids),
    writes: Float64Array.from(writes),
    paths,
    owners,
  };
}

function numberOf(owner: Owner | undefined, owners: Owner[]): number {
  if (owner === undefined) return -1;
  const known = owners.findIndex(({ uid, gid }) => uid === owner.uid && gid === owner.gid);
  return known >= 0 ? known : owners.push(owner) - 1;
}

/** The frame that a write, by its number, is made of. */
function frameWith(write: number, { frames }: FrameRun): FramePlace | undefined {
  let before = 0;
  return frames.find(({ uses }) => write < (before += uses.length))?.place;
}

function failureOf({ write, code, message }: WriteFailure, run: FrameRun): Error {
  const uses = run.frames.flatMap((frame) => frame.uses);
  const use = uses[write];
  const path = use === undefined ? '' : pathOf(use.file);
  if (code !== undefined) return diskError(`write ${shownPath(path)}`, code, new Error(message));
  return new VaultError('damaged', `${path} cannot be restored: ${message}`, {
    hint: DAMAGE_HINT,
  });
}
