import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ComparedEntry } from '../compare/change.ts';
import { encodeName, systemPath } from '../source/name.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkSource } from './losses.ts';

/** Larger contents are compared as a whole. */
export const MOST_TEXT_BYTES = 1024 * 1024;
/** Git's own rule for what is no text: a NUL among the first 8000 bytes. */
const PROBE_BYTES = 8000;
const NOTHING = Buffer.alloc(0);

/**
 * What stands for an entry in the history: its own bytes when it is text under 1 MB; a link's target; else a few bytes
 * that begin with NUL, so that git takes them for binary, and are the same only for the same content. Undefined for a
 * directory, which git does not know.
 * @param lost is told the chunk that keeps a content from being read
 */
export async function mirroredContent(
  source: ChunkSource,
  entry: ComparedEntry,
  lost: (chunk: Buffer) => void = () => undefined,
): Promise<Buffer | undefined> {
  if (entry.type === 'directory') return undefined;
  if (entry.target !== undefined) return encodeName(entry.target);
  if (entry.size > MOST_TEXT_BYTES || hasRowsElsewhere(entry)) return placeholder(entry);
  const bytes = entry.file === undefined ? await stored(source, entry, lost) : await live(entry.file);
  return bytes === undefined || bytes.subarray(0, PROBE_BYTES).includes(0) ? placeholder(entry) : bytes;
}

/** An entry's mode as git knows it. */
export function mirroredMode(entry: ComparedEntry): string {
  if (entry.type === 'link') return '120000';
  return (entry.mode & 0o100) === 0 ? '100644' : '100755';
}

/** A content of the vault; undefined when it has been lost. */
async function stored(
  source: ChunkSource,
  { chunks = NOTHING }: ComparedEntry,
  lost: (chunk: Buffer) => void,
): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
    const id = chunks.subarray(at, at + CHUNK_ID_BYTES);
    const part = await source.read(id);
    if (part === undefined) {
      lost(id);
      return undefined;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A file as it is now; undefined when it cannot be read any more. */
async function live(file: string): Promise<Buffer | undefined> {
  return readFile(systemPath(file)).catch(() => undefined);
}

/** A table of a database that is stored as a file: its checksum tells its versions apart. */
function hasRowsElsewhere({ type, size, extra }: ComparedEntry): boolean {
  return type === 'table' && size === 0 && extra !== undefined;
}

function placeholder({ chunks = NOTHING, size, extra }: ComparedEntry): Buffer {
  const hash = createHash('sha256')
    .update(chunks)
    .update(`${size} ${JSON.stringify(extra ?? null)}`);
  return Buffer.concat([Buffer.of(0), hash.digest()]);
}
