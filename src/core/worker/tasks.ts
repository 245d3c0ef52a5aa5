import { fileWriter } from '../restore/file-writer.ts';
import { writeFiles, type WriteJob, type WriteResult } from '../restore/write-files.ts';
import {
  checkDelta,
  checkPack,
  type DeltaCheck,
  type PackCheck,
  type PackReport,
} from '../vault/check-pack.ts';
import { decodeJob, type DecodedFrame, type FrameJob } from '../vault/decode-job.ts';
import type { FrameMethod } from '../vault/frame.ts';
import { codeFrame } from '../vault/frame.ts';

/** Work that runs in a worker thread: what goes in, what comes out. */
export interface WorkerTasks {
  /** Codes a frame. Shared memory spares the collector from hearing of megabytes that come and go. */
  code: {
    input: { plain: Uint8Array<SharedArrayBuffer>; dictionary: Uint8Array | undefined; quick: boolean };
    output: { method: FrameMethod; coded: Uint8Array };
  };
  /** Decodes a frame and makes the ids of chunks in it; the dictionary is in shared memory. */
  decode: { input: FrameJob; output: DecodedFrame };
  /** Decodes frames, checks their chunks and writes files from them. */
  write: { input: WriteJob; output: WriteResult };
  /** Checks every byte of a pack; its bytes are handed over. */
  checkPack: { input: PackCheck; output: PackReport };
  /** Checks one delta frame. */
  checkDelta: { input: DeltaCheck; output: boolean };
}

export type WorkerTaskName = keyof WorkerTasks;

/** A task's answer, with the buffers that are handed over rather than copied. */
export interface Answer<Name extends WorkerTaskName> {
  readonly output: WorkerTasks[Name]['output'];
  readonly transfer: readonly ArrayBuffer[];
}

type Implementations = { [Name in WorkerTaskName]: (input: WorkerTasks[Name]['input']) => Answer<Name> };

/** What a worker thread can do. */
export const workerTasks: Implementations = {
  code({ plain, dictionary, quick }) {
    const { method, bytes } = codeFrame(plain, dictionary, quick);
    if (bytes.buffer === plain.buffer) return { output: { method, coded: bytes }, transfer: [] };
    // A copy of its own: zlib's buffer is much larger, and may be one that cannot be handed over.
    const coded = new Uint8Array(bytes);
    return { output: { method, coded }, transfer: [coded.buffer] };
  },
  decode(job) {
    const output = decodeJob(job);
    return { output, transfer: [output.plain.buffer] };
  },
  write(job) {
    const output = writeFiles(job, fileWriter(job.umask));
    return { output, transfer: output.archive === undefined ? [] : [output.archive.buffer] };
  },
  checkPack(job) {
    return { output: checkPack(job), transfer: [] };
  },
  checkDelta(job) {
    return { output: checkDelta(job), transfer: [] };
  },
};
