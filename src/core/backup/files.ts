import { setImmediate as turn } from 'node:timers/promises';
import type { Problem } from '../problem.ts';
import type { PathFilter } from '../set/match.ts';
import { isUnchanged, type Stamp } from '../source/change.ts';
import { systemPath } from '../source/name.ts';
import { openStable, readSmall } from '../source/read.ts';
import { type Scanned, type ScanRoot, scanRoot } from '../source/scan.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { Chunker } from '../vault/chunker.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import { ManifestCursor, type ManifestSegment, ManifestWriter, type ReadChunk } from '../vault/manifest.ts';
import { comparePaths } from '../vault/order.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import { contentKind } from './content-kind.ts';

/** What became of the entries of a source; counted in files and links. */
export interface Tally {
  total: number;
  added: number;
  modified: number;
  deleted: number;
  unchanged: number;
  sourceBytes: number;
  readBytes: number;
}

/** A file root to back up. */
export interface RootJob {
  readonly root: ScanRoot;
  readonly filter: PathFilter;
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
  readonly readManifestChunk: ReadChunk;
  readonly report: (problem: Problem) => void;
}

export interface RootResult {
  readonly segment: ManifestSegment;
  readonly tally: Tally;
}

/** After so many entries other work gets its turn. */
const ENTRIES_A_TURN = 256;
const REPORT_EVERY_MS = 100;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** A changed chunk is coded against the chunk it probably replaces and its successor. */
const DICTIONARY_CHUNKS = 2;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Backs up one file root: scans it, takes what is unchanged from the base's manifest, reads the rest, and writes the
 * root's segment of the manifest. Problems are reported, not thrown.
 * @throws {CancelledError}, {StorageError}; what was stored by then is found and used by the next backup.
 */
export async function backUpRoot(job: RootJob, sink: RootSink, task: Task): Promise<RootResult> {
  const walk = new RootWalk(job, sink, task);
  return walk.run();
}

class RootWalk {
  readonly #job: RootJob;
  readonly #sink: RootSink;
  readonly #task: Task;
  readonly #rootPath: string;
  readonly #cursor: ManifestCursor;
  readonly #manifest: ManifestWriter;
  readonly #tally: Tally = {
    total: 0,
    added: 0,
    modified: 0,
    deleted: 0,
    unchanged: 0,
    sourceBytes: 0,
    readBytes: 0,
  };
  #block: Buffer | undefined;
  #reportedAt = 0;

  constructor(job: RootJob, sink: RootSink, task: Task) {
    this.#job = job;
    this.#sink = sink;
    this.#task = task;
    this.#rootPath = `files/${job.root.name}`;
    this.#cursor = new ManifestCursor(job.previous, sink.readManifestChunk);
    this.#manifest = new ManifestWriter(sink.writer, this.#rootPath, job.previous);
  }

  async run(): Promise<RootResult> {
    const { root, filter } = this.#job;
    const { writer } = this.#sink;
    const silent: Task = { signal: this.#task.signal };
    let entries = 0;
    for (const found of scanRoot(root, this.#sink.report, silent, filter)) {
      const path = found.path === '' ? this.#rootPath : `${this.#rootPath}/${found.path}`;
      if (this.#cursor.needsLoad) await this.#cursor.load();
      let previous = this.#cursor.current;
      while (previous !== undefined && previous.path !== path && comparePaths(previous.path, path) < 0) {
        this.#countDeleted(previous);
        this.#cursor.advance();
        if (this.#cursor.needsLoad) await this.#cursor.load();
        previous = this.#cursor.current;
      }
      if (previous?.path === path) this.#cursor.advance();
      else previous = undefined;
      const waiting = this.#take(found, path, previous);
      if (waiting !== undefined) await waiting;
      if (writer.isBusy) await writer.drain();
      if (++entries % ENTRIES_A_TURN === 0) {
        this.#tell();
        throwIfCancelled(this.#task);
        await turn();
      }
    }
    for (;;) {
      if (this.#cursor.needsLoad) await this.#cursor.load();
      if (this.#cursor.current === undefined) break;
      this.#countDeleted(this.#cursor.current);
      this.#cursor.advance();
    }
    return { segment: this.#manifest.finish(), tally: this.#tally };
  }

  /** Takes one entry into the manifest; only a large file makes a promise of it. */
  #take(found: Scanned, path: string, previous: EntryView | undefined): Promise<void> | undefined {
    if (found.type !== 'file') {
      this.#add(found, path, NOTHING, previous);
      return undefined;
    }
    const { baseStartedAtNs } = this.#job;
    if (
      baseStartedAtNs !== undefined &&
      previous?.type === 'file' &&
      isUnchanged(found, previous as Stamp, baseStartedAtNs) &&
      // What the vault has lost meanwhile is read again.
      this.#sink.writer.holds(previous.chunks)
    ) {
      this.#manifest.addEncoded(path, previous.encoded);
      this.#tally.total++;
      this.#tally.unchanged++;
      this.#tally.sourceBytes += found.size;
      return undefined;
    }
    if (found.size > this.#sink.chunker.sizes.min) return this.#readLarge(found, path, previous);
    return this.#readSmall(found, path, previous);
  }

  #readSmall(found: Scanned, path: string, previous: EntryView | undefined): Promise<void> | undefined {
    const { writer, chunker } = this.#sink;
    const kind = contentKind(path);
    const place = writer.reserve(kind);
    const read = readSmall(this.#systemPath(found), found, place.buffer, place.offset, chunker.sizes.min);
    if (read.outcome === 'too-large') return this.#readLarge(found, path, previous);
    if (read.trouble !== undefined) this.#sink.report({ path, ...read.trouble });
    if (read.outcome === 'failed') return undefined;
    this.#tally.readBytes += read.bytes;
    let chunks = NOTHING;
    if (read.bytes > 0) {
      const base = previous?.type === 'file' ? previous.chunks.subarray(0, DICTIONARY_CHUNKS * CHUNK_ID_BYTES) : NOTHING;
      const content = place.buffer.subarray(place.offset, place.offset + read.bytes);
      chunks = base.length > 0 ? writer.put(kind, content, base) : writer.take(kind, read.bytes);
    }
    this.#add({ ...found, ...read.stat, size: read.bytes }, path, chunks, previous);
    return undefined;
  }

  async #readLarge(found: Scanned, path: string, previous: EntryView | undefined): Promise<void> {
    const file = openStable(this.#systemPath(found), found);
    let ids: Buffer[] = [];
    let bytes = 0;
    try {
      const cutter = new BlockCutter(
        this.#sink.chunker,
        (this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES)),
        (into, offset, room) => file.read(into, offset, room),
      );
      do {
        const base = new BaseChunks(previous?.type === 'file' ? previous.chunks : NOTHING);
        ids = [];
        bytes = 0;
        cutter.restart();
        for (let chunk = cutter.next(); chunk !== undefined; chunk = cutter.next()) {
          throwIfCancelled(this.#task);
          const id = this.#sink.writer.put(contentKind(path), chunk, base.candidates());
          base.passed(id);
          ids.push(id);
          bytes += chunk.length;
          if (this.#sink.writer.isBusy) await this.#sink.writer.drain();
          this.#tell();
        }
        this.#tally.readBytes += bytes;
      } while (file.mustRetry());
    } finally {
      file.close();
    }
    if (file.trouble !== undefined) this.#sink.report({ path, ...file.trouble });
    if (!file.failed) this.#add({ ...found, ...file.stat, size: bytes }, path, Buffer.concat(ids), previous);
  }

  #add(found: Scanned, path: string, chunks: Buffer, previous: EntryView | undefined): void {
    const { type, size, mode, mtimeNs, ctimeNs, inode, target } = found;
    this.#manifest.add({ path, type, size, mode, mtimeNs, ctimeNs, inode, chunks, target });
    if (type === 'directory') return;
    this.#tally.total++;
    this.#tally.sourceBytes += size;
    if (previous === undefined) this.#tally.added++;
    else if (
      previous.type === type &&
      previous.mode === mode &&
      previous.target === target &&
      previous.chunks.equals(chunks)
    ) {
      this.#tally.unchanged++;
    } else this.#tally.modified++;
  }

  #countDeleted(previous: EntryView): void {
    if (previous.type !== 'directory') this.#tally.deleted++;
  }

  #systemPath(found: Scanned): string | Buffer {
    return systemPath(`${this.#job.root.directory}/${found.path}`);
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

/** Cuts a file into chunks as it is read, through one block that is filled again and again. */
class BlockCutter {
  readonly #chunker: Chunker;
  readonly #block: Buffer;
  readonly #fill: (into: Buffer, offset: number, room: number) => number;
  #start = 0;
  #end = 0;
  #ended = false;

  constructor(chunker: Chunker, block: Buffer, fill: (into: Buffer, offset: number, room: number) => number) {
    this.#chunker = chunker;
    this.#block = block;
    this.#fill = fill;
  }

  restart(): void {
    this.#start = 0;
    this.#end = 0;
    this.#ended = false;
  }

  /** The next chunk, valid until the next call; undefined at the end. */
  next(): Buffer | undefined {
    if (this.#end - this.#start < this.#chunker.sizes.max && !this.#ended) this.#refill();
    if (this.#start === this.#end) return undefined;
    const length = this.#chunker.cut(this.#block, this.#start, this.#end);
    const chunk = this.#block.subarray(this.#start, this.#start + length);
    this.#start += length;
    return chunk;
  }

  #refill(): void {
    this.#block.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    while (this.#end < this.#block.length) {
      const bytes = this.#fill(this.#block, this.#end, this.#block.length - this.#end);
      if (bytes === 0) {
        this.#ended = true;
        return;
      }
      this.#end += bytes;
    }
  }
}

/** Follows a changed file through its base's chunks: a chunk that is still there tells where the file now is. */
class BaseChunks {
  readonly #ids: Buffer;
  readonly #numbers = new Map<string, number>();
  #at = 0;

  constructor(ids: Buffer) {
    this.#ids = ids;
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      this.#numbers.set(ids.toString('latin1', at, at + CHUNK_ID_BYTES), at / CHUNK_ID_BYTES);
    }
  }

  /** Ids of the chunks that the next chunk probably replaces. */
  candidates(): Buffer {
    const from = this.#at * CHUNK_ID_BYTES;
    return this.#ids.subarray(from, from + DICTIONARY_CHUNKS * CHUNK_ID_BYTES);
  }

  passed(id: Buffer): void {
    this.#at = (this.#numbers.get(id.toString('latin1')) ?? this.#at) + 1;
  }
}

