import { ROW_CHUNKS } from '../backup/database-paths.ts';
import { CrmBackupError } from '../errors.ts';
import { StorageError } from '../storage/storage.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { type BadFrames, withBadFrames } from '../vault/bad-frames.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkIndex } from '../vault/index.ts';
import { assertDamageOfOne } from '../vault/inspect.ts';
import { viewsIn } from '../vault/manifest.ts';
import { comparePaths } from '../vault/order.ts';
import { ChunkReader } from '../vault/reader.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { Selection, type SelectedPath } from './selection.ts';

/** What reading a backup back has found. */
export interface ReadBack {
  /** Whether all of it can be read. */
  readonly isWhole: boolean;
  readonly badFrames: BadFrames;
}

/** Frames that are read at once. */
const FRAMES_AT_ONCE = 16;
/** Up to here starting threads costs more than they spare. */
const FEW_FRAMES = 8;

/**
 * Reads from the vault what a backup holds of some paths, decoding and checking it in worker threads.
 * @param except ids of packs that need not be read, for they were written just now
 * @throws {StorageError} when the vault as a whole cannot be read; {CancelledError}
 */
export async function readBack(
  vault: Vault,
  record: BackupRecord,
  paths: readonly SelectedPath[],
  except: ReadonlySet<string>,
  pool: WorkerPool,
  task: Task,
): Promise<ReadBack> {
  const back = new BackReader(vault, await vault.index(), except, pool, task);
  const selection = new Selection(paths);
  const sorted = paths.map(({ path }) => path).sort(comparePaths);
  for (const { root, chunks, firstPaths } of record.manifest) {
    if (selection.resolve(root) === 'none') continue;
    const isDatabase = root.startsWith('databases/');
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
      const number = at / CHUNK_ID_BYTES;
      const first = firstPaths[number] ?? root;
      const isNamed =
        isDatabase ||
        selection.resolve(first) === 'whole' ||
        isAnyBetween(sorted, first, firstPaths[number + 1]);
      if (!isNamed) continue;
      await back.takeList(chunks.subarray(at, at + CHUNK_ID_BYTES), (path) =>
        // Whatever table is meant, the rest of its database says how it is restored.
        isDatabase && !path.startsWith(`${root}/tables/`)
          ? path !== `${root}/${ROW_CHUNKS}`
          : selection.resolve(path) !== 'none',
      );
    }
  }
  return back.readAll();
}

/** Whether one of some paths, in order, stands in a part of a list, of which the first path and that of the next part are known. */
function isAnyBetween(sorted: readonly string[], first: string, next: string | undefined): boolean {
  let from = 0;
  for (let to = sorted.length; from < to;) {
    const middle = (from + to) >> 1;
    if (comparePaths(sorted[middle]!, first) < 0) from = middle + 1;
    else to = middle;
  }
  const path = sorted[from];
  return path !== undefined && (next === undefined || comparePaths(path, next) < 0);
}

class BackReader {
  readonly #vault: Vault;
  readonly #index: ChunkIndex;
  readonly #except: ReadonlySet<string>;
  readonly #pool: WorkerPool;
  readonly #task: Task;
  /** A new one: what others keep in memory may be damaged on the disk. */
  readonly #reader: ChunkReader;
  /** Numbers of the chunks that are to be read, by frame. */
  readonly #wanted = new Map<number, Set<number>>();
  /** Frames that the disk could not read. */
  readonly #unreadable = new Map<string, Set<number>>();
  #isWhole = true;

  constructor(vault: Vault, index: ChunkIndex, except: ReadonlySet<string>, pool: WorkerPool, task: Task) {
    this.#vault = vault;
    this.#index = index;
    this.#except = except;
    this.#pool = pool;
    this.#task = task;
    this.#reader = new ChunkReader(vault.storage, vault.keys, vault.chunkIds);
  }

  /** Takes a chunk of the list: reads it, and notes what content the wanted entries in it need. */
  async takeList(id: Buffer, isWanted: (path: string) => boolean): Promise<void> {
    throwIfCancelled(this.#task);
    const bytes = await this.#read(id);
    if (bytes === undefined) return;
    for (const { path, chunks } of viewsIn(bytes)) {
      if (chunks.length === 0 || !isWanted(path)) continue;
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) this.#want(chunks, at);
    }
  }

  /** Reads all that is wanted, in the order of the packs. */
  async readAll(): Promise<ReadBack> {
    const frames = [...this.#wanted.keys()].sort((a, b) => a - b);
    let bytes = 0;
    for (let at = 0; at < frames.length; at++) {
      throwIfCancelled(this.#task);
      const isFirst = at % FRAMES_AT_ONCE === 0 && frames.length > FEW_FRAMES;
      if (isFirst) this.#readAhead(frames.slice(at, at + FRAMES_AT_ONCE));
      for (const chunk of this.#wanted.get(frames[at]!)!) {
        bytes += this.#index.bytesOf(chunk);
        await this.#read(this.#index.idOf(chunk));
      }
      this.#task.progress?.({ phase: 'check', done: bytes, unit: 'bytes' });
    }
    return {
      isWhole: this.#isWhole,
      badFrames: withBadFrames(this.#reader.takeDamaged(), this.#unreadable),
    };
  }

  #want(chunks: Buffer, at: number): void {
    const chunk = this.#index.find(chunks, at);
    if (chunk < 0) {
      this.#isWhole = false;
      return;
    }
    const { frame } = this.#index.place(chunk);
    if (this.#except.has(this.#index.frame(frame).pack)) return;
    const wanted = this.#wanted.get(frame);
    if (wanted === undefined) this.#wanted.set(frame, new Set([chunk]));
    else wanted.add(chunk);
  }

  #readAhead(frames: readonly number[]): void {
    const ids = frames.flatMap((frame) =>
      [...this.#wanted.get(frame)!].map((chunk) => this.#index.idOf(chunk)),
    );
    this.#reader.readAhead(Buffer.concat(ids), this.#index, this.#pool);
  }

  /** A chunk; undefined when it cannot be read. */
  async #read(id: Buffer): Promise<Buffer | undefined> {
    try {
      return await this.#reader.readChunk(id, this.#index);
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      await assertDamageOfOne(this.#vault, error);
      this.#isWhole = false;
      const chunk = this.#index.find(id, 0);
      if (chunk >= 0 && error instanceof StorageError) {
        const { pack, offset } = this.#index.frame(this.#index.place(chunk).frame);
        this.#unreadable.set(pack, (this.#unreadable.get(pack) ?? new Set()).add(offset));
      }
      return undefined;
    }
  }
}
