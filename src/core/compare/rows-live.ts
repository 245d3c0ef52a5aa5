import { type BackupDatabase, rowSeed } from '../backup/databases.ts';
import type {
  DatabaseInfo,
  DumpSink,
  StreamSink,
  TableExtra,
  TableHead,
  TableSink,
} from '../database/engine.ts';
import { engineAt } from '../database/engines.ts';
import { redactError, redactorOf } from '../database/redact.ts';
import { RowChunker } from '../database/row-chunks.ts';
import { TableChecksum } from '../database/table-checksum.ts';
import { tablePath } from '../database/table-path.ts';
import type { Task } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { Vault } from '../vault/vault.ts';
import { comparePaths } from '../vault/order.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { type DatabaseSide, type RowChunks, type TableSide, vaultChunks } from './rows-side.ts';
import { openSpool, type Spool, type SpoolPlace } from './rows-spool.ts';

/**
 * A database as it is now. It is dumped as for a backup, but only what the vault does not have is kept, in a temporary
 * file of this process’s own.
 * @throws {DatabaseError} as `DatabaseEngine.connect`, `no-space`; {SetError} `missing-variable`; {CancelledError}
 */
export async function openLiveSide(
  vault: Vault,
  database: BackupDatabase,
  pool: () => WorkerPool,
  task: Task,
): Promise<DatabaseSide> {
  const address = await database.address();
  const redact = redactorOf(address.url);
  const spool = openSpool();
  try {
    const engine = await engineAt(address);
    await using connection = await engine.connect(address, task);
    await using snapshot = await connection.snapshot(task);
    const sink = new LiveSink(vault, await vaultChunks(vault, pool), spool, snapshot.estimatedBytes, task);
    const info = await snapshot.dump(sink, task);
    return sink.side(database.name, info);
  } catch (error) {
    spool[Symbol.dispose]();
    throw redactError(error, redact);
  }
}

/** Cuts tables as the vault does, and keeps the chunks it does not have. */
class LiveSink implements DumpSink {
  readonly #vault: Vault;
  readonly #known: RowChunks;
  readonly #spool: Spool;
  readonly #total: number | undefined;
  readonly #task: Task;
  readonly #tables = new Map<string, TableSide>();
  readonly #places = new Map<string, SpoolPlace>();
  /** Objects and streams, piece by piece. */
  readonly #contents = new Map<string, SpoolPlace[]>();
  readonly #streams = new Set<string>();
  #done = 0;

  constructor(vault: Vault, known: RowChunks, spool: Spool, total: number | undefined, task: Task) {
    this.#vault = vault;
    this.#known = known;
    this.#spool = spool;
    this.#total = total;
    this.#task = task;
  }

  object(path: string, content: Uint8Array | string): void {
    this.#contents.set(path, [this.#spool.add(Buffer.from(content))]);
  }

  table(head: TableHead): TableSink {
    const path = tablePath(head.schema, head.name);
    const checksum = new TableChecksum(head.key);
    const ids: Buffer[] = [];
    const chunker = new RowChunker(head.key, rowSeed(this.#vault.keys.gear), (chunk) => {
      ids.push(this.#keep(chunk));
    });
    return {
      write: (block) => {
        checksum.update(block);
        chunker.write(block);
        this.#passed(block.length);
        return undefined;
      },
      abandon: () => {
        // Pieces that are not used stay in the spool until its end.
      },
      finish: async () => {
        chunker.finish();
        const { rows, checksum: sum } = checksum.value;
        const table: TableExtra = { ...head, rows, checksum: sum };
        this.#tables.set(path, { path, table, chunks: Buffer.concat(ids) });
        return Promise.resolve({ rows, checksum: sum });
      },
    };
  }

  storedTable(extra: TableExtra): void {
    const path = tablePath(extra.schema, extra.name);
    this.#tables.set(path, { path, table: extra, chunks: Buffer.alloc(0) });
  }

  stream(path: string): StreamSink {
    const places: SpoolPlace[] = [];
    this.#contents.set(path, places);
    this.#streams.add(path);
    return {
      write: (block) => {
        places.push(this.#spool.add(block));
        this.#passed(block.length);
        return undefined;
      },
      finish: async () => Promise.resolve(),
    };
  }

  /** What is wrong with a database is told when it is backed up. */
  report(): void {
    // Nothing is left out that could be compared.
  }

  side(name: string, info: DatabaseInfo): DatabaseSide {
    const spool = this.#spool;
    const contents = this.#contents;
    return {
      name,
      info,
      tables: new Map([...this.#tables].sort(([a], [b]) => comparePaths(a, b))),
      rows: {
        read: async (id) => {
          const place = this.#places.get(id.toString('latin1'));
          return place === undefined ? this.#known.read(id) : Promise.resolve(spool.read(place));
        },
        bytesOf: (ids, at) =>
          this.#places.get(ids.toString('latin1', at, at + CHUNK_ID_BYTES))?.bytes ??
          this.#known.bytesOf(ids, at),
      },
      objects: new Set([...contents.keys()].filter((path) => !this.#streams.has(path))),
      streams: this.#streams,
      async *read(path) {
        for (const place of contents.get(path) ?? []) yield await Promise.resolve(spool.read(place));
      },
      [Symbol.asyncDispose]: async () => {
        spool[Symbol.dispose]();
        return Promise.resolve();
      },
    };
  }

  #keep(chunk: Buffer): Buffer {
    const id = this.#vault.chunkIds.of(chunk);
    if (this.#known.bytesOf(id, 0) === chunk.length) return id;
    const name = id.toString('latin1');
    if (!this.#places.has(name)) this.#places.set(name, this.#spool.add(chunk));
    return id;
  }

  #passed(bytes: number): void {
    this.#done += bytes;
    const total = this.#total === undefined ? {} : { total: Math.max(this.#total, this.#done) };
    this.#task.progress?.({ phase: 'dump', done: this.#done, unit: 'bytes', ...total });
  }
}
