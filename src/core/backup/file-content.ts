import { readSmall } from '../source/read-small.ts';
import { readStable } from '../source/read-stable.ts';
import type { FileStat } from '../source/stat.ts';
import type { Trouble } from '../source/trouble.ts';
import type { Task } from '../task.ts';
import type { Chunker } from '../vault/chunker.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import { contentKind } from './content-kind.ts';
import { cutterFor } from './cutter.ts';
import { PreviousVersion } from './previous-version.ts';

/** A file's content as it went into the vault. */
export interface StoredContent {
  readonly chunks: Buffer;
  /** The file as it was read. */
  readonly stat: FileStat;
}

/** A file to store. */
export interface FileToStore {
  /** On this machine, spelled as in `source/name.ts`. */
  readonly file: string;
  /** In the backup. */
  readonly path: string;
  /** As the scan saw it; undefined when its stat was not asked for. */
  readonly found: FileStat | undefined;
  /** Chunks of its previous version; empty when there is none. */
  readonly previous: Buffer;
}

const BLOCK_BYTES = 4 * 1024 * 1024;
/** Up to here one synchronous read is cheaper than several asynchronous ones. */
const AT_ONCE_BYTES = 2 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** Reads files and puts their chunks into the vault. */
export class ContentStore {
  readonly #writer: ChunkWriter;
  readonly #chunker: Chunker;
  readonly #task: Task;
  readonly #report: (path: string, trouble: Trouble) => void;
  readonly #keepPace: () => Promise<void> | undefined;
  #blocks: { readonly read: Buffer; readonly cut: Buffer } | undefined;
  /** Bytes read so far, those read again included. */
  readBytes = 0;

  constructor(
    writer: ChunkWriter,
    chunker: Chunker,
    report: (path: string, trouble: Trouble) => void,
    keepPace: () => Promise<void> | undefined,
    task: Task,
  ) {
    this.#writer = writer;
    this.#chunker = chunker;
    this.#report = report;
    this.#keepPace = keepPace;
    this.#task = task;
  }

  /**
   * Stores a file's content; undefined when it could not be read, which is reported. Small files are done at once, for
   * a promise would cost more than they do.
   */
  store(file: FileToStore): StoredContent | undefined | Promise<StoredContent | undefined> {
    const size = file.found?.size ?? 0;
    return size <= this.#chunker.sizes.min ? this.#storeSmall(file) : this.#storeLarge(file, size);
  }

  #storeLarge(file: FileToStore, size: number): Promise<StoredContent | undefined> {
    return size <= AT_ONCE_BYTES ? this.#storeAtOnce(file) : this.#storeInBlocks(file);
  }

  /** One chunk, read straight into the frame it will be part of. */
  #storeSmall(file: FileToStore): StoredContent | undefined | Promise<StoredContent | undefined> {
    const kind = contentKind(file.path);
    const place = this.#writer.reserve(kind);
    const room = place.buffer.subarray(0, place.offset + this.#chunker.sizes.min);
    const read = readSmall(file.file, file.found, room, place.offset);
    if (read.kind === 'failed') {
      this.#report(file.path, read.trouble);
      return undefined;
    }
    if (read.kind === 'unsettled') return this.#storeLarge({ ...file, found: read.stat }, read.stat.size);
    this.readBytes += read.bytes;
    if (read.bytes === 0) return { chunks: NOTHING, stat: read.stat };
    const chunks =
      file.previous.length === 0
        ? this.#writer.take(kind, read.bytes)
        : this.#writer.put(
            kind,
            room.subarray(place.offset, place.offset + read.bytes),
            new PreviousVersion(file.previous, this.#writer).around(read.bytes),
          );
    return { chunks, stat: read.stat };
  }

  async #storeAtOnce(file: FileToStore): Promise<StoredContent | undefined> {
    const block = this.#memory().cut.subarray(0, AT_ONCE_BYTES);
    const read = readSmall(file.file, file.found, block, 0);
    if (read.kind === 'failed') {
      this.#report(file.path, read.trouble);
      return undefined;
    }
    if (read.kind === 'unsettled') return this.#storeInBlocks(file);
    const put = this.#putter(file);
    for (let start = 0; start < read.bytes;) {
      const length = put.cut(block, start, read.bytes);
      put.chunk(block.subarray(start, start + length));
      start += length;
      if (this.#writer.isBusy) await this.#writer.drain();
    }
    return { chunks: put.finish(), stat: read.stat };
  }

  async #storeInBlocks(file: FileToStore): Promise<StoredContent | undefined> {
    const memory = this.#memory();
    const store = async (blocks: AsyncIterable<Buffer>): Promise<Buffer> => {
      const put = this.#putter(file);
      for await (const chunk of cutBlocks(blocks, put.cut, this.#chunker.sizes.max, memory.cut)) {
        put.chunk(chunk);
        if (this.#writer.isBusy) await this.#writer.drain();
        // A large file alone may be more than is to be read in an hour.
        if (this.#task.pace !== undefined) await this.#keepPace();
      }
      return put.finish();
    };
    const read = await readStable(file.file, memory.read, store, this.#task);
    if (read.trouble !== undefined) this.#report(file.path, read.trouble);
    return read.kind === 'failed' ? undefined : { chunks: read.value, stat: read.stat };
  }

  #putter(file: FileToStore): Putter {
    const kind = contentKind(file.path);
    const previous = new PreviousVersion(file.previous, this.#writer);
    const ids: Buffer[] = [];
    return {
      cut: cutterFor(kind, this.#chunker),
      chunk: (bytes) => {
        const id = this.#writer.put(kind, bytes, previous.around(bytes.length));
        previous.passed(id, bytes.length);
        ids.push(id);
        this.readBytes += bytes.length;
      },
      finish: () => Buffer.concat(ids),
    };
  }

  #memory(): { readonly read: Buffer; readonly cut: Buffer } {
    this.#blocks ??= { read: Buffer.allocUnsafeSlow(BLOCK_BYTES), cut: Buffer.allocUnsafeSlow(BLOCK_BYTES) };
    return this.#blocks;
  }
}

/** Takes one file's content chunk by chunk. */
interface Putter {
  readonly cut: Chunker['cut'];
  chunk(bytes: Buffer): void;
  /** The ids of all chunks. */
  finish(): Buffer;
}

/** Cuts a stream of blocks into chunks; each is valid until the next is asked for. */
async function* cutBlocks(
  blocks: AsyncIterable<Buffer>,
  cut: Chunker['cut'],
  most: number,
  memory: Buffer,
): AsyncGenerator<Buffer> {
  let start = 0;
  let end = 0;
  for await (const block of blocks) {
    for (let taken = 0; taken < block.length;) {
      memory.copyWithin(0, start, end);
      end -= start;
      start = 0;
      const part = Math.min(block.length - taken, memory.length - end);
      end += block.copy(memory, end, taken, taken + part);
      taken += part;
      // What is shorter than a largest chunk may be cut elsewhere once more is known.
      while (end - start >= most) {
        const length = cut(memory, start, end);
        yield memory.subarray(start, start + length);
        start += length;
      }
    }
  }
  while (start < end) {
    const length = cut(memory, start, end);
    yield memory.subarray(start, start + length);
    start += length;
  }
}
