import { readFile } from 'node:fs/promises';
import { encodeName, systemPath } from '../source/name.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { Vault } from '../vault/vault.ts';
import { type ComparedEntry, type EntryChange, hasSameContent } from './change.ts';
import { diffLines, splitLines } from './line-diff.ts';

/** Both sides of a change as text, each byte a character; or that one of them is none. */
export type ComparedText = { readonly before: string; readonly after: string } | 'binary';

/** How many lines a change adds and takes away; null where lines mean nothing. */
export interface LineCounts {
  readonly binary: boolean;
  readonly added: number | null;
  readonly deleted: number | null;
}

/** Larger files are compared as a whole, like binary ones. */
const MOST_TEXT_BYTES = 16 * 1024 * 1024;
/** Git's own rule: a NUL among the first 8000 bytes. */
const PROBE_BYTES = 8000;
const NOTHING = Buffer.alloc(0);

/** Reads both sides of a change. Sides with the same content are not read and come back empty. */
export async function readText(vault: Vault, change: EntryChange): Promise<ComparedText> {
  const { before, after } = change;
  if (before !== undefined && after !== undefined && isOnlyMetadata(before, after)) {
    return { before: '', after: '' };
  }
  const old = await textOf(vault, before);
  if (old === undefined) return 'binary';
  const fresh = await textOf(vault, after);
  return fresh === undefined ? 'binary' : { before: old, after: fresh };
}

/** Counts the lines of a change. */
export function countLines(text: ComparedText): LineCounts {
  if (text === 'binary') return { binary: true, added: null, deleted: null };
  let added = 0;
  let deleted = 0;
  for (const { kind, count } of diffLines(splitLines(text.before), splitLines(text.after))) {
    if (kind === 'added') added += count;
    if (kind === 'deleted') deleted += count;
  }
  return { binary: false, added, deleted };
}

function isOnlyMetadata(before: ComparedEntry, after: ComparedEntry): boolean {
  return before.type === after.type && before.target === after.target && hasSameContent(before, after);
}

/** The text of one side; undefined when it is binary or too large. Links are where they point, directories nothing. */
async function textOf(vault: Vault, entry: ComparedEntry | undefined): Promise<string | undefined> {
  if (entry === undefined || entry.type === 'directory') return '';
  if (entry.target !== undefined) return encodeName(entry.target).toString('latin1');
  if (entry.size > MOST_TEXT_BYTES) return undefined;
  if (entry.file !== undefined) return textIn([await readFile(systemPath(entry.file))]);
  return storedText(vault, entry.chunks ?? NOTHING);
}

async function storedText(vault: Vault, chunks: Buffer): Promise<string | undefined> {
  const index = await vault.index();
  // The first chunk tells whether the others are worth reading.
  const first: Buffer[] = [];
  for await (const part of vault.reader.readContent({ chunks: chunks.subarray(0, CHUNK_ID_BYTES) }, index)) {
    first.push(part);
  }
  if (textIn(first) === undefined) return undefined;
  const parts = [...first];
  for await (const part of vault.reader.readContent({ chunks: chunks.subarray(CHUNK_ID_BYTES) }, index)) {
    parts.push(part);
  }
  return textIn(parts);
}

function textIn(parts: readonly Buffer[]): string | undefined {
  const bytes = parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts);
  return bytes.subarray(0, PROBE_BYTES).includes(0) ? undefined : bytes.toString('latin1');
}
