import { setImmediate as turn } from 'node:timers/promises';
import { isUnchanged } from '../source/change.ts';
import { HeldRoot } from '../source/held-root.ts';
import { type Listed, listRoot, type Scanned, scanRoot } from '../source/scan.ts';
import type { FileStat } from '../source/stat.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { EntryView } from '../vault/manifest-entry.ts';
import { ManifestCursor, ManifestWriter } from '../vault/manifest.ts';
import { comparePaths } from '../vault/order.ts';
import { contentKind } from './content-kind.ts';
import { ContentStore, type StoredContent } from './file-content.ts';
import { beginScan, type RootJob, type RootResult, type RootSink } from './root-job.ts';
import type { AheadBatch, AheadScan } from './scan-ahead.ts';
import { countDeleted, countStored, countUnchanged, newTally } from './tally.ts';
import { UnchangedRun } from './unchanged-run.ts';

/** What a scan found, as an object or as a view of its bytes. */
type Found = Scanned | Listed | EntryView;
/** What an entry keeps of a stat. */
type EntryStat = Omit<FileStat, 'links' | 'type'> & Pick<EntryView, 'type'>;

/** So many entries are scanned here; where there are more, a thread scans on. */
export const ENTRIES_HERE = 1500;
/** After so many entries other work gets its turn. */
const ENTRIES_A_TURN = 256;
const REPORT_EVERY_MS = 100;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Backs up one file root: scans it, takes what is unchanged from the base's manifest, reads the rest, and writes the
 * root's segment of the manifest. Problems are reported, not thrown.
 * @param begun from {@link beginScan}, of the same job
 * @throws {CancelledError}, {StorageError}; what was stored by then is found and used by the next backup.
 */
export async function backUpRoot(
  job: RootJob,
  sink: RootSink,
  task: Task,
  begun?: AheadScan,
): Promise<RootResult> {
  using held = new HeldRoot(job.root.directory);
  const result = await new RootWalk(job, sink, task).run(begun);
  if (held.trouble !== undefined) sink.report({ path: `files/${job.root.name}`, ...held.trouble });
  return result;
}

class RootWalk {
  readonly #job: RootJob;
  readonly #sink: RootSink;
  readonly #task: Task;
  readonly #rootPath: string;
  readonly #cursor: ManifestCursor;
  readonly #manifest: ManifestWriter;
  readonly #tally = newTally();
  readonly #content: ContentStore;
  /** Undefined for a full backup, which takes nothing over. */
  readonly #unchanged: UnchangedRun | undefined;
  #taken = 0;
  /** How many of the bytes that were read were told to who keeps the pace. */
  #pacedBytes = 0;
  #reportedAt = 0;

  constructor(job: RootJob, sink: RootSink, task: Task) {
    this.#job = job;
    this.#sink = sink;
    this.#task = task;
    this.#rootPath = `files/${job.root.name}`;
    this.#cursor = new ManifestCursor(job.previous, sink.readManifestChunk);
    this.#manifest = new ManifestWriter(sink.writer, this.#rootPath, job.previous);
    this.#unchanged =
      job.baseStartedAtNs === undefined
        ? undefined
        : new UnchangedRun(this.#cursor, this.#manifest, job.baseStartedAtNs, (chunks) =>
            sink.writer.holds(chunks),
          );
    this.#content = new ContentStore(
      sink.writer,
      sink.chunker,
      (troubled, trouble) => {
        sink.report({ path: troubled, ...trouble });
      },
      () => this.#keepPace(),
      task,
    );
  }

  async run(begun: AheadScan | undefined): Promise<RootResult> {
    // The root itself is always scanned here.
    const most = begun === undefined ? ENTRIES_HERE : 1;
    const first = this.#scanHere(most);
    const last = first.at(-1);
    if (first.length < most || last === undefined) await this.#takeAll(first);
    else {
      // While these are taken the thread starts.
      await using ahead = begun ?? beginScan(this.#job, this.#sink, this.#task, last.path);
      await this.#takeAll(first);
      for await (const batch of ahead.batches(this.#sink.report)) await this.#takeBatch(batch);
      this.#unchanged?.end();
    }
    for (;;) {
      if (this.#cursor.needsLoad) await this.#cursor.load();
      if (this.#cursor.current === undefined) break;
      countDeleted(this.#tally, this.#cursor.current);
      this.#cursor.advance();
    }
    this.#tally.readBytes += this.#content.readBytes;
    return { segment: this.#manifest.finish(), tally: this.#tally };
  }

  /** The root's first entries. A full backup opens every file anyway; the others decide by the stat whether to. */
  #scanHere(most: number): Found[] {
    const { root, baseStartedAtNs } = this.#job;
    const scan = baseStartedAtNs === undefined ? listRoot : scanRoot;
    const found: Found[] = [];
    for (const one of scan(root, this.#sink.report, { signal: this.#task.signal })) {
      found.push(one);
      if (found.length === most) break;
    }
    return found;
  }

  async #takeAll(entries: Iterable<Found>): Promise<void> {
    for (const found of entries) {
      const waiting = this.#takeOne(found, this.#pathOf(found.path));
      if (waiting !== undefined) await waiting;
      if (this.#task.pace !== undefined) await this.#keepPace();
      if (++this.#taken % ENTRIES_A_TURN === 0) await this.#pause();
    }
  }

  async #takeBatch({ bytes, nextChunk }: AheadBatch): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#cursor.needsLoad) await this.#cursor.load();
      if (this.#unchanged !== undefined) {
        at = this.#unchanged.take(bytes, at, (entry) => countUnchanged(this.#tally, entry));
        if (at >= bytes.length || this.#cursor.needsLoad) continue;
        this.#unchanged.end();
      }
      const found = new EntryView(bytes, at);
      at = found.end;
      const waiting = this.#takeOne(found, found.path, nextChunk);
      if (waiting !== undefined) await waiting;
      if (this.#task.pace !== undefined) await this.#keepPace();
    }
    await this.#pause();
  }

  /** Lets others have their turn. */
  async #pause(): Promise<void> {
    this.#tell();
    throwIfCancelled(this.#task);
    await this.#keepPace();
    await turn();
  }

  /** Waits where reading is to be slower. */
  #keepPace(): Promise<void> | undefined {
    const read = this.#tally.readBytes + this.#content.readBytes;
    const bytes = read - this.#pacedBytes;
    this.#pacedBytes = read;
    return bytes === 0 ? undefined : this.#task.pace?.(bytes);
  }

  /** Takes one entry; a promise only where there is something to wait for. */
  #takeOne(found: Found, path: string, nextChunk?: AheadBatch['nextChunk']): Promise<void> | undefined {
    const previous = this.#previousOf(path);
    return previous instanceof Promise
      ? previous.then(async (known) => this.#takeAgainst(found, path, known, nextChunk))
      : this.#takeAgainst(found, path, previous, nextChunk);
  }

  /** The entry the base has under a path; those before it are gone. */
  #previousOf(path: string): EntryView | undefined | Promise<EntryView | undefined> {
    while (!this.#cursor.needsLoad) {
      const previous = this.#cursor.current;
      if (previous === undefined) return undefined;
      if (previous.path === path) {
        this.#cursor.advance();
        return previous;
      }
      if (comparePaths(previous.path, path) > 0) return undefined;
      countDeleted(this.#tally, previous);
      this.#cursor.advance();
    }
    return this.#cursor.load().then(() => this.#previousOf(path));
  }

  #takeAgainst(
    found: Found,
    path: string,
    previous: EntryView | undefined,
    nextChunk: AheadBatch['nextChunk'] | undefined,
  ): Promise<void> | undefined {
    if (nextChunk !== undefined && found instanceof EntryView && found.chunks.length > 0) {
      this.#takeRead(found, nextChunk, previous);
      return this.#drain();
    }
    const waiting = this.#take(found, path, previous);
    return waiting === undefined ? this.#drain() : waiting.then(() => this.#drain());
  }

  /** Waits where too much waits to be written. */
  #drain(): Promise<void> | undefined {
    const { writer } = this.#sink;
    return writer.isBusy ? writer.drain() : undefined;
  }

  #pathOf(path: string): string {
    return path === '' ? this.#rootPath : `${this.#rootPath}/${path}`;
  }

  /** Takes a file that was read and cut by the scanning thread. */
  #takeRead(found: EntryView, nextChunk: AheadBatch['nextChunk'], previous: EntryView | undefined): void {
    const { path, chunks } = found;
    const kind = contentKind(path);
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
      this.#sink.writer.putAs(kind, chunks.subarray(at, at + CHUNK_ID_BYTES), nextChunk()!);
    }
    this.#tally.readBytes += found.size;
    this.#manifest.addEncoded(path, found.encoded);
    countStored(this.#tally, found, previous);
  }

  /** Takes one entry into the manifest; only a large file makes a promise of it. */
  #take(found: Found, path: string, previous: EntryView | undefined): Promise<void> | undefined {
    if (found.type !== 'file') {
      this.#add(found, found.target, path, NOTHING, previous);
      return undefined;
    }
    const stat = found.size === undefined ? undefined : found;
    if (stat !== undefined && previous !== undefined && this.#isUnchanged(stat, previous)) {
      this.#manifest.addEncoded(path, previous.encoded);
      countUnchanged(this.#tally, previous);
      return undefined;
    }
    const stored = this.#content.store({
      file: `${this.#job.root.directory}/${path.slice(this.#rootPath.length + 1)}`,
      path,
      found: stat instanceof EntryView ? undefined : stat,
      previous: previous?.type === 'file' ? previous.chunks : NOTHING,
    });
    if (stored instanceof Promise) return this.#addWhenStored(stored, path, previous);
    if (stored !== undefined) this.#add(stored.stat, undefined, path, stored.chunks, previous);
    return undefined;
  }

  #isUnchanged(found: Scanned | EntryView, previous: EntryView): boolean {
    const { baseStartedAtNs } = this.#job;
    return (
      baseStartedAtNs !== undefined &&
      previous.type === 'file' &&
      isUnchanged(found, previous, baseStartedAtNs) &&
      // What the vault has lost meanwhile is read again.
      this.#sink.writer.holds(previous.chunks)
    );
  }

  async #addWhenStored(
    stored: Promise<StoredContent | undefined>,
    path: string,
    previous: EntryView | undefined,
  ): Promise<void> {
    const content = await stored;
    if (content !== undefined) this.#add(content.stat, undefined, path, content.chunks, previous);
  }

  #add(
    stat: EntryStat,
    target: string | undefined,
    path: string,
    chunks: Buffer,
    previous: EntryView | undefined,
  ): void {
    const { type, size, mode, mtimeNs, ctimeNs, inode } = stat;
    this.#manifest.add({ path, type, size, mode, mtimeNs, ctimeNs, inode, chunks, target });
    countStored(this.#tally, { type, size, mode, target, chunks }, previous);
  }

  #tell(): void {
    if (this.#task.progress === undefined) return;
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_EVERY_MS) return;
    this.#reportedAt = now;
    const { expectedFiles } = this.#job;
    const { total } = this.#tally;
    this.#task.progress({
      phase: 'read',
      done: total,
      unit: 'files',
      ...(expectedFiles === undefined ? {} : { total: Math.max(expectedFiles, total) }),
    });
  }
}
