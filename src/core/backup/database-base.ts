import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import { type ManifestSegment, readSegments, type ReadChunk } from '../vault/manifest.ts';
import { ROW_CHUNKS } from './database-paths.ts';

/** What the backup before has of a database. */
export interface DatabaseBase {
  /** Entries by their path below the database. */
  readonly entries: ReadonlyMap<string, EntryView>;
  /** Hashes of the first keys of a table’s chunks; empty when they are not known. */
  readonly firstKeys: ReadonlyMap<string, Uint32Array>;
}

/**
 * Reads what the backup before has of a database. Nothing is known when it had none.
 * @throws {VaultError} `damaged`, `missing-chunk`.
 */
export async function readDatabaseBase(
  segment: ManifestSegment | undefined,
  read: ReadChunk,
): Promise<DatabaseBase> {
  const entries = new Map<string, EntryView>();
  if (segment === undefined) return { entries, firstKeys: new Map() };
  for await (const entry of readSegments([segment], read)) {
    entries.set(entry.path.slice(segment.root.length + 1), entry);
  }
  const parts: Buffer[] = [];
  const list = entries.get(ROW_CHUNKS)?.chunks ?? Buffer.alloc(0);
  for (let at = 0; at < list.length; at += CHUNK_ID_BYTES) {
    parts.push(await read(list.subarray(at, at + CHUNK_ID_BYTES)));
  }
  return { entries, firstKeys: splitFirstKeys(Buffer.concat(parts), entries) };
}

/** The list has no heads: tables stand in it in the order of the manifest, with a number for each of their chunks. */
function splitFirstKeys(
  list: Buffer,
  entries: ReadonlyMap<string, EntryView>,
): ReadonlyMap<string, Uint32Array> {
  const firstKeys = new Map<string, Uint32Array>();
  const numbers = new Uint32Array(Math.floor(list.length / 4));
  for (let at = 0; at < numbers.length; at++) numbers[at] = list.readUInt32LE(at * 4);
  let start = 0;
  for (const [path, entry] of entries) {
    if (entry.type !== 'table') continue;
    const end = start + entry.chunks.length / CHUNK_ID_BYTES;
    firstKeys.set(path, numbers.subarray(start, end));
    start = end;
  }
  // A list that does not add up is of no use, but nothing depends on it.
  return start === numbers.length ? firstKeys : new Map();
}
