import { PIECE_BYTES } from '../database/row-chunks.ts';
import type { DatabaseInfo, TableExtra } from '../database/engine.ts';
import { openDumpSource } from '../restore/database-source.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import type { WorkerPool } from '../worker/pool.ts';

/** Where the chunks of rows are read from. */
export interface RowChunks {
  /** @throws {VaultError} `damaged`, `missing-chunk`. */
  read(id: Buffer): Promise<Buffer>;
  /** Told which chunks will be read soon. */
  ahead?(ids: Buffer): void;
  /** Bytes of the chunk whose id stands at a place in a list; 0 for one that is lost. */
  bytesOf(ids: Buffer, at: number): number;
}

/** One version of a table: of a backup, or live. */
export interface TableSide {
  /** Below the database: `tables/<schema>.<table>`. */
  readonly path: string;
  readonly table: TableExtra;
  /** Ids of the chunks its rows are in; none for tables whose rows are in pages. */
  readonly chunks: Buffer;
}

/** One version of a database. Disposing removes what was written to read it. */
export interface DatabaseSide extends AsyncDisposable {
  readonly name: string;
  readonly info: DatabaseInfo;
  /** By path, in manifest order. */
  readonly tables: ReadonlyMap<string, TableSide>;
  readonly rows: RowChunks;
  /** Paths of objects: views, triggers, routines … Of a backup those of streams are among them. */
  readonly objects: ReadonlySet<string>;
  /** Paths of streams, where they are known as such: live. */
  readonly streams: ReadonlySet<string>;
  /** The content of an object or a stream. */
  read(path: string): AsyncIterable<Buffer>;
}

/**
 * A database as a backup has it; undefined when it has none of that name.
 * @throws {VaultError} `damaged`, `missing-chunk`.
 */
export async function openStoredSide(
  vault: Vault,
  record: BackupRecord,
  name: string,
  pool: () => WorkerPool,
): Promise<DatabaseSide | undefined> {
  const root = `databases/${name}`;
  if (!record.manifest.some((segment) => segment.root === root)) return undefined;
  const source = await openDumpSource(vault, record, name);
  const tables = new Map<string, TableSide>();
  for await (const { path, type, chunks, extra } of vault.entries(record, root)) {
    if (type !== 'table') continue;
    const below = path.slice(root.length + 1);
    tables.set(below, { path: below, table: extra as unknown as TableExtra, chunks: Buffer.from(chunks) });
  }
  return {
    name,
    info: source.info,
    tables,
    rows: await vaultChunks(vault, pool),
    objects: new Set(source.objects.map(({ path }) => path)),
    streams: new Set(),
    read: (path) => source.read(path),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

/** Chunks of rows as a vault has them. @param pool asked for when there is much to decode */
export async function vaultChunks(vault: Vault, pool: () => WorkerPool): Promise<RowChunks> {
  const index = await vault.index();
  return {
    read: async (id) => vault.reader.readChunk(id, index),
    ahead: (ids) => vault.reader.readAhead(ids, index, pool()),
    bytesOf: (ids, at) => {
      const number = index.find(ids, at);
      return number < 0 ? 0 : index.bytesOf(number);
    },
  };
}

/** Chunks that one side has and the other has not. */
export interface DistinctChunks {
  readonly before: Buffer;
  readonly after: Buffer;
}

/**
 * Leaves out what both versions of a table have in common, undecoded: chunks that are there on both sides, as often on
 * one as on the other. Those that hold a part of a row stay.
 */
export function dropCommonChunks(
  before: { readonly chunks: Buffer; readonly rows: RowChunks },
  after: { readonly chunks: Buffer; readonly rows: RowChunks },
): DistinctChunks {
  if (before.chunks.equals(after.chunks)) return { before: NOTHING, after: NOTHING };
  const common = new Map<string, number>();
  for (const id of wholeChunks(before.chunks, before.rows)) {
    if (id !== undefined) common.set(id, (common.get(id) ?? 0) + 1);
  }
  const taken = new Map<string, number>();
  const rest = without(after.chunks, wholeChunks(after.chunks, after.rows), common, (id) => {
    taken.set(id, (taken.get(id) ?? 0) + 1);
  });
  return {
    before: without(before.chunks, wholeChunks(before.chunks, before.rows), taken, () => undefined),
    after: rest,
  };
}

const NOTHING = Buffer.alloc(0);

/** The ids of a list as text, with undefined for chunks that may begin or end in the middle of a row. */
function* wholeChunks(ids: Buffer, rows: RowChunks): Generator<string | undefined> {
  let afterPiece = false;
  for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
    const isPiece = rows.bytesOf(ids, at) >= PIECE_BYTES;
    yield isPiece || afterPiece ? undefined : ids.toString('latin1', at, at + CHUNK_ID_BYTES);
    afterPiece = isPiece;
  }
}

/** The list without so many of each of the given ids. */
function without(
  ids: Buffer,
  names: Iterable<string | undefined>,
  counts: Map<string, number>,
  dropped: (id: string) => void,
): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const name of names) {
    const left = name === undefined ? 0 : (counts.get(name) ?? 0);
    if (name !== undefined && left > 0) {
      counts.set(name, left - 1);
      dropped(name);
    } else kept.push(ids.subarray(at, at + CHUNK_ID_BYTES));
    at += CHUNK_ID_BYTES;
  }
  return Buffer.concat(kept);
}
