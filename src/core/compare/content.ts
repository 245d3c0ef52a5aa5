import { encodeName } from '../source/name.ts';
import { openForReading } from '../source/open.ts';
import { REPLACED, troubleOf } from '../source/trouble.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { isDamage } from '../vault/error.ts';
import type { Vault } from '../vault/vault.ts';
import { type ComparedEntry, type EntryChange, hasSameContent } from './change.ts';
import { diffLines, splitLines } from './line-diff.ts';

/** Both sides of a change as text, each byte a character; or that one of them is none, or cannot be read. */
export type ComparedText = { readonly before: string; readonly after: string } | 'binary' | 'unread';

/** Is told the path of what cannot be read, why in one sentence, and whether it is the vault that has lost it. */
export type TellUnread = (path: string, message: string, isLost: boolean) => void;

/** How many lines a change adds and takes away; null where lines mean nothing, or are unknown. */
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

/**
 * Reads both sides of a change. Sides with the same content are not read and come back empty.
 * @param tell is told of a side that cannot be read: a damaged content, a file that is closed or gone by now
 */
export async function readText(vault: Vault, change: EntryChange, tell: TellUnread): Promise<ComparedText> {
  const { before, after } = change;
  if (before !== undefined && after !== undefined && isOnlyMetadata(before, after)) {
    return { before: '', after: '' };
  }
  const texts: string[] = [];
  for (const entry of [before, after]) {
    try {
      const text = await textOf(vault, entry);
      if (text === undefined) return 'binary';
      texts.push(text);
    } catch (error) {
      tell(entry?.path ?? change.path, whyUnread(error, entry), isDamage(error));
      return 'unread';
    }
  }
  const [old = '', fresh = ''] = texts;
  return { before: old, after: fresh };
}

/** Throws errors again that are neither damage nor a live file's. */
function whyUnread(error: unknown, entry: ComparedEntry | undefined): string {
  if (isDamage(error)) return (error as Error).message;
  if (entry?.file === undefined) throw error;
  const { code, message } = troubleOf(error);
  const isAnother = code === 'vanished' || code === REPLACED.code;
  return isAnother ? 'It was deleted or replaced while it was compared.' : message;
}

/** Counts the lines of a change. */
export function countLines(text: ComparedText): LineCounts {
  if (typeof text === 'string') return { binary: text === 'binary', added: null, deleted: null };
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
  if (entry.file !== undefined) return textIn([await readLive(entry.file)]);
  return storedText(vault, entry.chunks ?? NOTHING);
}

async function readLive(file: string): Promise<Buffer> {
  const handle = await openForReading(file);
  try {
    // A pipe that took the file's place reads as empty.
    if (!(await handle.stat()).isFile()) throw Object.assign(new Error('It is no file.'), { code: 'EISDIR' });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
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
