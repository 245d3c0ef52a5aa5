import { crc32 } from 'node:zlib';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import type { Entry } from './entry.ts';
import { encodeEntry, EntryView } from './manifest-entry.ts';
import { comparePaths, isWithin } from './order.ts';
import type { ChunkWriter } from './writer.ts';

/** Where one source's part of a manifest stands: its chunks, and the first path in each, to find a path by. */
export interface ManifestSegment {
  /** The path all entries stand under: `files/<root>` or `databases/<name>`. */
  readonly root: string;
  /** Chunk ids, 32 bytes each. */
  readonly chunks: Buffer;
  readonly firstPaths: readonly string[];
  /** How many entries it has. */
  readonly entries: number;
}

const CUT_FROM_BYTES = 32 * 1024;
const CUT_AT_BYTES = 512 * 1024;
/** One path in this many ends a chunk. */
const CUT_MASK = 0x1ff;

/**
 * Writes one segment of a manifest: entries in order, cut into chunks by a hash of the path, so that a change stays in
 * its chunk; a changed chunk is stored against the base's chunks of the same paths.
 */
export class ManifestWriter {
  readonly #writer: ChunkWriter;
  readonly #root: string;
  readonly #base: ManifestSegment | undefined;
  readonly #ids: Buffer[] = [];
  readonly #firstPaths: string[] = [];
  #parts: Buffer[] = [];
  #bytes = 0;
  #entries = 0;
  #first = '';
  #last = '';

  constructor(writer: ChunkWriter, root: string, base: ManifestSegment | undefined) {
    this.#writer = writer;
    this.#root = root;
    this.#base = base;
  }

  /** Adds the next entry in manifest order. */
  add(entry: Entry): void {
    this.addEncoded(entry.path, encodeEntry(entry));
  }

  /** Adds an entry as its bytes stand in another manifest. */
  addEncoded(path: string, encoded: Buffer): void {
    if (this.#last !== '' && comparePaths(this.#last, path) >= 0) {
      throw new RangeError('entries of a manifest must come in order');
    }
    if (this.#parts.length === 0) this.#first = path;
    this.#last = path;
    this.#entries++;
    this.#parts.push(encoded);
    this.#bytes += encoded.length;
    const full = this.#bytes >= CUT_AT_BYTES;
    if (full || (this.#bytes >= CUT_FROM_BYTES && (crc32(path) & CUT_MASK) === 0)) this.#cut();
  }

  /** Whether the next entry begins a chunk. */
  get isBetweenChunks(): boolean {
    return this.#parts.length === 0;
  }

  /** Adds a whole chunk of another manifest that was cut as this one would be. */
  addChunk(id: Buffer, first: string, last: string, entries: number): void {
    if (this.#parts.length > 0 || (this.#last !== '' && comparePaths(this.#last, first) >= 0)) {
      throw new RangeError('entries of a manifest must come in order');
    }
    this.#ids.push(id);
    this.#firstPaths.push(first);
    this.#last = last;
    this.#entries += entries;
  }

  /** Ends the segment. */
  finish(): ManifestSegment {
    if (this.#parts.length > 0) this.#cut();
    return {
      root: this.#root,
      chunks: Buffer.concat(this.#ids),
      firstPaths: this.#firstPaths,
      entries: this.#entries,
    };
  }

  #cut(): void {
    const chunk = Buffer.concat(this.#parts, this.#bytes);
    this.#ids.push(this.#writer.put('manifest', chunk, this.#baseChunks()));
    this.#firstPaths.push(this.#first);
    this.#parts = [];
    this.#bytes = 0;
  }

  #baseChunks(): Buffer | undefined {
    if (this.#base === undefined) return undefined;
    const { from, to } = chunksBetween(this.#base, this.#first, this.#last);
    return this.#base.chunks.subarray(from * CHUNK_ID_BYTES, to * CHUNK_ID_BYTES);
  }
}

/** The chunks of a segment that may hold paths from `first` to `last`, as a half-open range of numbers. */
function chunksBetween(segment: ManifestSegment, first: string, last: string): { from: number; to: number } {
  const { firstPaths } = segment;
  let from = 0;
  while (from + 1 < firstPaths.length && comparePaths(firstPaths[from + 1]!, first) <= 0) from++;
  let to = from;
  while (to < firstPaths.length && comparePaths(firstPaths[to]!, last) <= 0) to++;
  return { from, to };
}

/** Reads chunks by id; what a manifest is read through. */
export type ReadChunk = (id: Buffer) => Promise<Buffer>;

/**
 * Walks a segment's entries in order. Between chunks it must be awaited, within one it is as fast as an array;
 * load only when {@link needsLoad} says so.
 */
export class ManifestCursor {
  readonly #segment: ManifestSegment;
  readonly #read: ReadChunk;
  #chunk = 0;
  #bytes: Buffer = EMPTY;
  #view: EntryView | undefined;

  constructor(segment: ManifestSegment | undefined, read: ReadChunk) {
    this.#segment = segment ?? { root: '', chunks: EMPTY, firstPaths: [], entries: 0 };
    this.#read = read;
  }

  /** The entry the cursor stands on; undefined at a chunk's end. */
  get current(): EntryView | undefined {
    return this.#view;
  }

  /** Where the current entry begins in {@link bytes}. */
  get at(): number {
    return this.#view?.start ?? this.#bytes.length;
  }

  /** The chunk the cursor is in. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Goes to the entry of the same chunk that begins there, or behind its end. */
  goTo(at: number): void {
    this.#view = at < this.#bytes.length ? new EntryView(this.#bytes, at) : undefined;
  }

  /** The id of the chunk, if another follows it: the last one ends where the entries do, not where one would cut. */
  get idIfCut(): Buffer | undefined {
    if (this.#chunk >= this.#segment.firstPaths.length) return undefined;
    return this.#segment.chunks.subarray((this.#chunk - 1) * CHUNK_ID_BYTES, this.#chunk * CHUNK_ID_BYTES);
  }

  /** Whether {@link load} must be awaited to learn if there is another entry. */
  get needsLoad(): boolean {
    return this.#view === undefined && this.#chunk < this.#segment.firstPaths.length;
  }

  /** Goes to the next entry of the same chunk. */
  advance(): void {
    this.goTo(this.#view?.end ?? 0);
  }

  /** Reads the next chunk; its first entry, or undefined at the segment's end. */
  async load(): Promise<EntryView | undefined> {
    while (this.#view === undefined && this.#chunk < this.#segment.firstPaths.length) {
      const at = this.#chunk++ * CHUNK_ID_BYTES;
      this.#bytes = await this.#read(this.#segment.chunks.subarray(at, at + CHUNK_ID_BYTES));
      if (this.#bytes.length > 0) this.#view = new EntryView(this.#bytes, 0);
    }
    return this.#view;
  }
}

/**
 * The entries of a manifest in order, or only `under` and what is below it. Chunks that cannot hold any are not read.
 * @throws {VaultError} `damaged` or `missing-chunk`.
 */
export async function* readSegments(
  segments: readonly ManifestSegment[],
  read: ReadChunk,
  under?: string,
): AsyncGenerator<EntryView> {
  for (const segment of segments) {
    const whole = under === undefined || isWithin(segment.root, under);
    if (!whole && !isWithin(under, segment.root)) continue;
    const start = whole ? 0 : chunksBetween(segment, under, under).from;
    for (let number = start; number < segment.firstPaths.length; number++) {
      const first = segment.firstPaths[number]!;
      if (!whole && comparePaths(first, under) > 0 && !isWithin(first, under)) break;
      const bytes = await read(
        segment.chunks.subarray(number * CHUNK_ID_BYTES, (number + 1) * CHUNK_ID_BYTES),
      );
      for (const view of viewsIn(bytes)) if (whole || isWithin(view.path, under)) yield view;
    }
  }
}

/**
 * The entries in one chunk of a manifest.
 * @throws {VaultError} `damaged`.
 */
export function* viewsIn(bytes: Buffer): Generator<EntryView> {
  for (let at = 0; at < bytes.length;) {
    const view = new EntryView(bytes, at);
    yield view;
    at = view.end;
  }
}

const EMPTY = Buffer.alloc(0);
