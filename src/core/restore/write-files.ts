import { systemCode } from '../errors.ts';
import { CHUNK_ID_BYTES, CHUNK_ID_HEADROOM_BYTES, ChunkIds } from '../vault/chunk-id.ts';
import { VaultError } from '../vault/error.ts';
import { decodeFrame, FrameMethod } from '../vault/frame.ts';
import { packPosition } from '../vault/pack.ts';
import { open, type VaultKeys } from '../vault/seal.ts';
import type { FileWriter, Owner } from './file-writer.ts';
import { release } from './release.ts';
import { tarBytes, type TarMember, writeMember } from './tar-member.ts';

/** A frame in the bytes of a {@link WriteJob}. */
export interface JobFrame {
  /** Where it begins in its pack. */
  readonly offset: number;
  readonly sealedBytes: number;
  readonly plainBytes: number;
  readonly method: FrameMethod;
  /** The pack's. */
  readonly salt: Uint8Array;
  readonly dictionary: Uint8Array | undefined;
}

/**
 * Frames that stand together in a pack and the files to be written from them. Chunks and writes come as columns of
 * numbers: objects by the thousand cost more on their way to a thread than the writing itself.
 */
export interface WriteJob {
  readonly keys: VaultKeys;
  /** The bytes of the pack from the first frame's offset on. */
  readonly sealed: Uint8Array;
  readonly frames: readonly JobFrame[];
  /** Chunks wanted, {@link CHUNK_COLUMNS} numbers each: frame, offset in its plain bytes, bytes. By frame. */
  readonly chunks: Float64Array;
  /** The chunks' ids, 32 bytes each. */
  readonly ids: Uint8Array;
  /**
   * Writes, {@link WRITE_COLUMNS} numbers each: chunk, position in the file or -1 for a whole file, mode, time, number of
   * its owner or -1, and for a file that goes into the archive whole seconds and nanoseconds, the latter else -1. By chunk.
   */
  readonly writes: Float64Array;
  /** The file of each write, absolute. */
  readonly paths: readonly string[];
  readonly owners: readonly Owner[];
  readonly umask: number;
  /** Who runs this. */
  readonly user: Owner;
  /** What paths in the archive count from; those that are not below it are absolute. */
  readonly archiveBase: string;
}

export const CHUNK_COLUMNS = 3;
const WRITE_COLUMNS = 7;

/** Why a job ended early. */
export interface WriteFailure {
  /** Number of the write that was to come. */
  readonly write: number;
  /** The system's code, or undefined when the vault's bytes are damaged. */
  readonly code: string | undefined;
  readonly message: string;
}

export interface WriteResult {
  /** Milliseconds spent on opening, decoding and checking. */
  readonly decodeMs: number;
  readonly writeMs: number;
  /** Files for tar to write, because of their times; members of an archive without its end. */
  readonly archive: Uint8Array<ArrayBuffer> | undefined;
  readonly failure: WriteFailure | undefined;
}

/**
 * Opens and decodes the frames of a job, checks every chunk against its id and only then writes it. Runs in a worker
 * thread. What fails is told, not thrown; files written by then stay.
 */
export function writeFiles(job: WriteJob, disk: FileWriter): WriteResult {
  const startedAt = performance.now();
  let writeMs = 0;
  let write = 0;
  let failure: WriteFailure | undefined;
  const reader = new JobReader(job);
  const archive = new JobArchive(job);
  try {
    const writeCount = job.writes.length / WRITE_COLUMNS;
    while (write < writeCount) {
      const chunk = job.writes[write * WRITE_COLUMNS]!;
      const content = reader.chunk(chunk);
      const decodedAt = performance.now();
      for (; write < writeCount && job.writes[write * WRITE_COLUMNS] === chunk; write++) {
        if (job.writes[write * WRITE_COLUMNS + 6]! >= 0) archive.add(write, content);
        else writeOne(job, write, content, disk);
      }
      writeMs += performance.now() - decodedAt;
    }
  } catch (error) {
    const code = systemCode(error);
    if (!(error instanceof VaultError) && code === undefined) throw error;
    failure = {
      write,
      code: error instanceof VaultError ? undefined : code,
      message: error instanceof Error ? error.message : String(error),
    };
  }
  reader.end();
  return { decodeMs: performance.now() - startedAt - writeMs, writeMs, archive: archive.members, failure };
}

function writeOne(job: WriteJob, write: number, content: Uint8Array, disk: FileWriter): void {
  const at = write * WRITE_COLUMNS;
  const path = job.paths[write]!;
  const position = job.writes[at + 1]!;
  if (position >= 0) {
    disk.writePart(path, position, content);
    return;
  }
  const owner = job.owners[job.writes[at + 4]!];
  disk.createFile(path, content, { mode: job.writes[at + 2]!, time: job.writes[at + 3]!, owner });
}

/** Gathers the files of a job that tar is to write. */
class JobArchive {
  readonly #job: WriteJob;
  readonly #bytes: Buffer<ArrayBuffer> | undefined;
  #end = 0;

  constructor(job: WriteJob) {
    this.#job = job;
    let most = 0;
    for (const [write, path] of job.paths.entries()) {
      const at = write * WRITE_COLUMNS;
      if (job.writes[at + 6]! < 0) continue;
      most += tarBytes(path.length, job.chunks[job.writes[at]! * CHUNK_COLUMNS + 2]!);
    }
    this.#bytes = most === 0 ? undefined : Buffer.allocUnsafeSlow(most);
  }

  add(write: number, content: Uint8Array): void {
    const { writes, paths, owners, user, archiveBase } = this.#job;
    const path = paths[write]!;
    const at = write * WRITE_COLUMNS;
    const { uid, gid } = owners[writes[at + 4]!] ?? user;
    const member: TarMember = {
      // A short name takes a block, a long one three.
      path: path.startsWith(`${archiveBase}/`) ? path.slice(archiveBase.length + 1) : path,
      type: 'file',
      mode: writes[at + 2]!,
      uid,
      gid,
      seconds: writes[at + 5]!,
      nanoseconds: writes[at + 6]!,
    };
    this.#end = writeMember(this.#bytes!, this.#end, member, content);
  }

  get members(): Uint8Array<ArrayBuffer> | undefined {
    return this.#bytes?.subarray(0, this.#end);
  }
}

/** Decodes the frames of a job one after the other as their chunks are asked for. */
class JobReader {
  readonly #job: WriteJob;
  readonly #chunkIds: ChunkIds;
  #frame = -1;
  #plain: Buffer = NOTHING;

  constructor(job: WriteJob) {
    this.#job = job;
    this.#chunkIds = new ChunkIds(Buffer.from(job.keys.chunkId));
  }

  /** The checked bytes of a chunk, valid until a chunk of the next frame is asked for. */
  chunk(number: number): Buffer {
    const { chunks, ids } = this.#job;
    const at = number * CHUNK_COLUMNS;
    if (chunks[at] !== this.#frame) this.#decode(chunks[at]!);
    const offset = chunks[at + 1]!;
    const bytes = chunks[at + 2]!;
    const id =
      offset >= CHUNK_ID_HEADROOM_BYTES
        ? this.#chunkIds.ofPart(this.#plain, offset, bytes)
        : this.#chunkIds.of(this.#plain.subarray(offset, offset + bytes));
    const start = number * CHUNK_ID_BYTES;
    if (id.compare(ids, start, start + CHUNK_ID_BYTES) !== 0) {
      throw new VaultError('damaged', 'A chunk of the vault is damaged: its content has changed.');
    }
    return this.#plain.subarray(offset, offset + bytes);
  }

  #decode(number: number): void {
    const { frames, sealed, keys } = this.#job;
    const frame = frames[number]!;
    const start = frame.offset - frames[0]!.offset;
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset + start, frame.sealedBytes);
    // Buffers arrive in a thread as plain arrays of bytes.
    const position = packPosition(Buffer.from(frame.salt), frame.offset);
    const coded = open(keys, 'frame', position, bytes);
    release(this.#plain);
    this.#plain = decodeFrame(frame.method, coded, frame.plainBytes, frame.dictionary);
    if (frame.method !== FrameMethod.raw) release(coded);
    this.#frame = number;
  }

  /** Gives back the memory of what was decoded. */
  end(): void {
    release(this.#plain);
    this.#plain = NOTHING;
    release(this.#job.sealed);
  }
}

const NOTHING = Buffer.alloc(0);
