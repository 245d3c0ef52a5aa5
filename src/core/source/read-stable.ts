import type { FileHandle } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { type Task, throwIfCancelled } from '../task.ts';
import { openForReading } from './open.ts';
import { type FileStat, fileStat, fileType, isSameStat } from './stat.ts';
import { CHANGED_WHILE_READING, REPLACED, type Trouble, troubleOf } from './trouble.ts';

/** What became of reading a file of any size. */
export type StableRead<T> =
  /** What the consumer made of it; `stat` is the file as it was read, its size what was read. */
  | { readonly kind: 'read'; readonly value: T; readonly stat: FileStat; readonly trouble?: Trouble }
  | { readonly kind: 'failed'; readonly trouble: Trouble };

/** Milliseconds to wait before each further attempt: a writer may be done by then. */
const PAUSES = [50, 250];
const BIGINT = { bigint: true } as const;

/**
 * Reads a file of any size in blocks and notices when it changes meanwhile: then the consumer is called again
 * with a new stream of blocks, three times at most. A file that changed every time is kept as the last attempt
 * found it, with trouble `changed-while-reading`.
 *
 * @param file where it is, spelled as in `name.ts`
 * @param memory where blocks are read to, alternately into its halves; 2–8 MiB, for reuse by the caller
 * @param consume takes all blocks; each is valid until the next is asked for. What the stream throws it must let
 *   pass. It may turn out to have been called in vain, so nothing it does may show before `readStable` returns
 * @throws what `consume` throws of its own; CancelledError when the task is stopped, with the file closed
 */
export async function readStable<T>(
  file: string,
  memory: Buffer,
  consume: (blocks: AsyncIterable<Buffer>, stat: FileStat) => Promise<T>,
  task: Task,
): Promise<StableRead<T>> {
  for (let attempt = 0; ; attempt++) {
    throwIfCancelled(task);
    const outcome = await readOnce(file, memory, consume, attempt === PAUSES.length, task);
    if (outcome !== 'changed') return outcome;
    await setTimeout(PAUSES[attempt]);
  }
}

async function readOnce<T>(
  file: string,
  memory: Buffer,
  consume: (blocks: AsyncIterable<Buffer>, stat: FileStat) => Promise<T>,
  last: boolean,
  task: Task,
): Promise<StableRead<T> | 'changed'> {
  // Errors of the consumer, a full disk for instance, look like errors of the file: only those from in here are.
  const fromFile = new Set<unknown>();
  const fail = (error: unknown): never => {
    fromFile.add(error);
    throw error;
  };
  let handle: FileHandle | undefined;
  try {
    handle = await openForReading(file).catch(fail);
    const stats = await handle.stat(BIGINT).catch(fail);
    if (fileType(stats) !== 'file') return { kind: 'failed', trouble: REPLACED };
    const before = fileStat(stats, 'file');
    const attempt = { handle, before, memory, last, task, bytes: 0 };
    const value = await consume(blocksOf(attempt, fail), before);
    const settled =
      attempt.bytes === before.size && isSameStat(await handle.stat(BIGINT).catch(fail), before);
    const stat = { ...before, size: attempt.bytes };
    if (settled) return { kind: 'read', value, stat };
    return last ? { kind: 'read', value, stat, trouble: CHANGED_WHILE_READING } : 'changed';
  } catch (error) {
    if (!fromFile.has(error)) throw error;
    return error instanceof ChangedMeanwhile ? 'changed' : { kind: 'failed', trouble: troubleOf(error) };
  } finally {
    await handle?.close();
  }
}

/** One attempt to read a file, and how far it has come. */
interface Attempt {
  readonly handle: FileHandle;
  readonly before: FileStat;
  readonly memory: Buffer;
  /** The last attempt goes on although the file changes. */
  readonly last: boolean;
  readonly task: Task;
  bytes: number;
}

/** Ends a stream of blocks early; it never leaves this file. */
class ChangedMeanwhile extends Error {}

/** The blocks of a file, one read ahead while the consumer works on another. */
async function* blocksOf(attempt: Attempt, fail: (error: unknown) => never): AsyncGenerator<Buffer> {
  const { handle, before, memory, last, task } = attempt;
  const half = memory.length >> 1;
  let upper = false;
  const readNext = async (position: number) => {
    upper = !upper;
    const length = Math.min(half, before.size - position);
    return readFully(handle, memory.subarray(upper ? half : 0).subarray(0, length), position);
  };
  let next = readNext(0);
  try {
    for (let more = before.size > 0; more;) {
      throwIfCancelled(task);
      const block = await next.catch(fail);
      attempt.bytes += block.length;
      more = block.length > 0 && attempt.bytes < before.size;
      // The end of the file is checked after the last block has been used.
      if (more && !last && !isSameStat(await handle.stat(BIGINT).catch(fail), before)) {
        fail(new ChangedMeanwhile());
      }
      if (more) next = readNext(attempt.bytes);
      // It is awaited in the next round; until then an error must not count as unhandled.
      next.catch(() => undefined);
      if (block.length > 0) yield block;
    }
  } finally {
    // Nothing may be written into the memory once the caller has it back.
    await next.catch(() => undefined);
  }
}

async function readFully(handle: FileHandle, into: Buffer, position: number): Promise<Buffer> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return into.subarray(0, done);
}
