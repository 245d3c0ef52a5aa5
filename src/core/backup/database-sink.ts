import type {
  DatabaseInfo,
  DumpProblem,
  DumpSink,
  StreamSink,
  TableExtra,
  TableHead,
  TableSink,
} from '../database/engine.ts';
import { tablePath } from '../database/table-path.ts';
import type { Problem } from '../problem.ts';
import type { Chunker } from '../vault/chunker.ts';
import type { Entry } from '../vault/entry.ts';
import { ManifestWriter, type ManifestSegment } from '../vault/manifest.ts';
import { comparePaths } from '../vault/order.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import type { DatabaseBase } from './database-base.ts';
import { INFO, ROW_CHUNKS } from './database-paths.ts';
import { newTally, type Tally } from './tally.ts';
import { StreamStore } from './stream-store.ts';
import { TableStore } from './table-store.ts';

/** What a database of a backup is made with. */
export interface DatabaseContext {
  /** `databases/<name>`. */
  readonly root: string;
  readonly writer: ChunkWriter;
  readonly chunker: Chunker;
  /** A secret of the vault, for the sizes of row chunks. */
  readonly rowSeed: number;
  readonly base: DatabaseBase;
  readonly baseSegment: ManifestSegment | undefined;
  /** When the backup began: the time of what has changed. */
  readonly startedAtNs: bigint;
  readonly report: (problem: Problem) => void;
  /** Told after every block that was taken; what it promises is waited for before the next. */
  readonly passed: (bytes: number) => Promise<void> | undefined;
}

/** A database as it went into the vault. */
export interface StoredDatabase {
  readonly segment: ManifestSegment;
  /** Counted in tables. */
  readonly tally: Tally;
}

type Content = Pick<Entry, 'type' | 'size' | 'chunks' | 'extra'>;

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const NOTHING = Buffer.alloc(0);

/** Takes a dump into the vault and makes the database’s part of the manifest of it. */
export class DatabaseSink implements DumpSink {
  readonly #context: DatabaseContext;
  /** By path below the database. */
  readonly #contents = new Map<string, Content>();
  readonly #firstKeys = new Map<string, Uint32Array>();
  #open = 0;

  constructor(context: DatabaseContext) {
    this.#context = context;
  }

  object(path: string, content: Uint8Array | string): void {
    this.#store(path, Buffer.from(content));
  }

  table(head: TableHead): TableSink {
    const path = tablePath(head.schema, head.name);
    const { writer, rowSeed, base } = this.#context;
    const store = new TableStore(writer, head.key, rowSeed, {
      chunks: base.entries.get(path)?.chunks ?? NOTHING,
      firstKeys: base.firstKeys.get(path) ?? new Uint32Array(),
    });
    this.#begin(path);
    return {
      write: (block, count) => {
        store.write(block, count);
        return this.#taken(block.length);
      },
      abandon: () => {
        this.#contents.delete(path);
        this.#open--;
      },
      finish: async () => {
        const { chunks, firstKeys, rows, bytes, checksum } = store.finish();
        const extra: TableExtra = { ...head, rows, checksum };
        this.#firstKeys.set(path, firstKeys);
        this.#end(path, { type: 'table', size: bytes, chunks, extra: { ...extra } });
        return Promise.resolve({ rows, checksum });
      },
    };
  }

  storedTable(extra: TableExtra): void {
    const path = tablePath(extra.schema, extra.name);
    this.#begin(path);
    this.#firstKeys.set(path, new Uint32Array());
    this.#end(path, { type: 'table', size: 0, chunks: NOTHING, extra: { ...extra } });
  }

  stream(path: string, cut: 'blocks' | 'content'): StreamSink {
    const { writer, chunker, base } = this.#context;
    const store = new StreamStore(writer, chunker, cut, base.entries.get(path)?.chunks ?? NOTHING);
    this.#begin(path);
    return {
      write: (block) => {
        store.write(block);
        return this.#taken(block.length);
      },
      finish: async () => {
        const { chunks, bytes } = store.finish();
        this.#end(path, { type: 'object', size: bytes, chunks, extra: undefined });
        return Promise.resolve();
      },
    };
  }

  report(problem: DumpProblem): void {
    const { root, report } = this.#context;
    report({ ...problem, path: problem.path === '' ? root : `${root}/${problem.path}` });
  }

  /** Ends the database: writes what is known of it, and its part of the manifest. */
  finish(info: DatabaseInfo): StoredDatabase {
    if (this.#open > 0) throw new RangeError('a dump ended before all of its tables and streams');
    this.#store(INFO, Buffer.from(`${JSON.stringify(info, null, 2)}\n`));
    const tables = [...this.#firstKeys.keys()].sort(comparePaths);
    const firstKeys = tables.map((path) => littleEndian(this.#firstKeys.get(path)!));
    if (firstKeys.some((keys) => keys.length > 0)) this.#store(ROW_CHUNKS, Buffer.concat(firstKeys));
    return { segment: this.#writeManifest(), tally: this.#tally() };
  }

  #begin(path: string): void {
    if (this.#contents.has(path)) throw new RangeError(`a dump has ${path} twice`);
    this.#contents.set(path, { type: 'object', size: 0, chunks: NOTHING, extra: undefined });
    this.#open++;
  }

  #end(path: string, content: Content): void {
    this.#contents.set(path, content);
    this.#open--;
  }

  #store(path: string, bytes: Buffer): void {
    const { writer, chunker, base } = this.#context;
    const store = new StreamStore(writer, chunker, 'content', base.entries.get(path)?.chunks ?? NOTHING);
    this.#begin(path);
    store.write(bytes);
    const { chunks } = store.finish();
    this.#end(path, { type: 'object', size: bytes.length, chunks, extra: undefined });
  }

  #taken(bytes: number): Promise<void> | undefined {
    const { writer, passed } = this.#context;
    const held = passed(bytes);
    if (held !== undefined) return held.then(async () => (writer.isBusy ? writer.drain() : undefined));
    return writer.isBusy ? writer.drain() : undefined;
  }

  #writeManifest(): ManifestSegment {
    const { root, writer, baseSegment } = this.#context;
    const manifest = new ManifestWriter(writer, root, baseSegment);
    const folders = new Set(['']);
    for (const path of this.#contents.keys()) {
      for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
        folders.add(path.slice(0, slash));
      }
    }
    for (const path of [...folders, ...this.#contents.keys()].sort(comparePaths)) {
      const content = this.#contents.get(path);
      const entry = content ?? { type: 'directory' as const, size: 0, chunks: NOTHING, extra: undefined };
      manifest.add({
        ...entry,
        path: path === '' ? root : `${root}/${path}`,
        mode: content === undefined ? DIRECTORY_MODE : FILE_MODE,
        mtimeNs: this.#timeOf(path, content),
        ctimeNs: 0n,
        inode: 0n,
      });
    }
    return manifest.finish();
  }

  /** What is as before keeps its time. */
  #timeOf(path: string, content: Content | undefined): bigint {
    const before = this.#context.base.entries.get(path);
    const isSame = content === undefined ? before?.type === 'directory' : this.#isUnchanged(path, content);
    return isSame && before !== undefined ? before.mtimeNs : this.#context.startedAtNs;
  }

  #isUnchanged(path: string, { type, chunks, extra }: Content): boolean {
    const before = this.#context.base.entries.get(path);
    if (before?.type !== type || !before.chunks.equals(chunks)) return false;
    return JSON.stringify(before.extra) === JSON.stringify(extra);
  }

  #tally(): Tally {
    const tally = newTally();
    const { base } = this.#context;
    for (const [path, content] of this.#contents) {
      tally.sourceBytes += content.size;
      if (content.type !== 'table') continue;
      tally.total++;
      if (this.#isUnchanged(path, content)) tally.unchanged++;
      else if (base.entries.get(path)?.type === 'table') tally.modified++;
      else tally.added++;
    }
    for (const [path, entry] of base.entries) {
      if (entry.type === 'table' && !this.#contents.has(path)) tally.deleted++;
    }
    tally.readBytes = tally.sourceBytes;
    return tally;
  }
}

function littleEndian(numbers: Uint32Array): Buffer {
  const bytes = Buffer.allocUnsafe(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, at * 4);
  return bytes;
}
