import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ComparedEntry } from '../compare/change.ts';
import { CrmBackupError } from '../errors.ts';
import { encodeName, systemPath } from '../source/name.ts';
import type { Vault } from '../vault/vault.ts';

/** Larger contents are compared as a whole. */
export const MOST_TEXT_BYTES = 1024 * 1024;
/** Git's own rule for what is no text: a NUL among the first 8000 bytes. */
const PROBE_BYTES = 8000;
const NOTHING = Buffer.alloc(0);

/**
 * What stands for an entry in the history: its own bytes when it is text under 1 MB; a link's target; else a few bytes
 * that begin with NUL, so that git takes them for binary, and are the same only for the same content. Undefined for a
 * directory, which git does not know.
 */
export async function mirroredContent(vault: Vault, entry: ComparedEntry): Promise<Buffer | undefined> {
  if (entry.type === 'directory') return undefined;
  if (entry.target !== undefined) return encodeName(entry.target);
  if (entry.size > MOST_TEXT_BYTES || hasRowsElsewhere(entry)) return placeholder(entry);
  const bytes = entry.file === undefined ? await stored(vault, entry) : await live(entry.file);
  return bytes === undefined || bytes.subarray(0, PROBE_BYTES).includes(0) ? placeholder(entry) : bytes;
}

/** An entry's mode as git knows it. */
export function mirroredMode(entry: ComparedEntry): string {
  if (entry.type === 'link') return '120000';
  return (entry.mode & 0o100) === 0 ? '100644' : '100755';
}

/** A content of the vault; undefined when it has been lost. */
async function stored(vault: Vault, entry: ComparedEntry): Promise<Buffer | undefined> {
  try {
    return await read(vault, entry);
  } catch (error) {
    if (!(error instanceof CrmBackupError)) throw error;
  }
  // Another process may have moved it: once more, where it is now.
  vault.forgetIndex();
  try {
    return await read(vault, entry);
  } catch (error) {
    if (error instanceof CrmBackupError) return undefined;
    throw error;
  }
}

async function read(vault: Vault, { chunks = NOTHING }: ComparedEntry): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of vault.reader.readContent({ chunks }, await vault.index())) parts.push(part);
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
