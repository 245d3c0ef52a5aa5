import { encodeName } from '../source/name.ts';
import type { ComparedEntry, EntryChange } from './change.ts';
import type { ComparedText } from './content.ts';
import { diffLines, type LineRun, splitLines } from './line-diff.ts';

const MOST_HEADING_BYTES = 80;
const CONTEXT_LINES = 3;
const NOWHERE = '/dev/null';

/**
 * A change as `git diff` shows it: a header and, for text, the changed lines between three of context; empty for what
 * git does not know, as directories and rights other than to execute, and for what could not be read. Bytes that are not
 * UTF-8 stay as they are.
 */
export function formatPatch(change: EntryChange, text: ComparedText): Buffer {
  const { path, before, after } = change;
  if (text === 'unread' || (isDirectory(before) && isDirectory(after))) return Buffer.alloc(0);
  if (before !== undefined && after !== undefined && isLink(before) !== isLink(after)) {
    // For git a file does not become a link: one goes, the other comes.
    const old = text === 'binary' ? text : { before: text.before, after: '' };
    const fresh = text === 'binary' ? text : { before: '', after: text.after };
    return Buffer.concat([
      formatPatch({ path: change.oldPath ?? path, change: 'deleted', before }, old),
      formatPatch({ path, change: 'added', after }, fresh),
    ]);
  }
  const oldPath = change.oldPath ?? change.path;
  const oldName = quotedName(`a/${oldPath}`);
  const newName = quotedName(`b/${change.path}`);
  const lines = [`diff --git ${oldName} ${newName}\n`, ...modeLines(before, after)];
  if (change.change === 'renamed') {
    lines.push(
      `similarity index ${change.similarity ?? 100}%\n`,
      `rename from ${quotedName(oldPath)}\n`,
      `rename to ${quotedName(change.path)}\n`,
    );
  }
  const from = isDirectory(before) ? NOWHERE : oldName;
  const to = isDirectory(after) ? NOWHERE : newName;
  if (text === 'binary') lines.push(`Binary files ${from} and ${to} differ\n`);
  else {
    const old = splitLines(text.before);
    const fresh = splitLines(text.after);
    const hunks = hunksOf(old, fresh, diffLines(old, fresh));
    if (hunks.length > 0) lines.push(`--- ${endedName(from)}\n`, `+++ ${endedName(to)}\n`, ...hunks);
  }
  return lines.length === 1 ? Buffer.alloc(0) : Buffer.from(lines.join(''), 'latin1');
}

/** Changed lines with their context, each group under a line that says where it stands. */
function hunksOf(before: readonly string[], after: readonly string[], runs: readonly LineRun[]): string[] {
  const out: string[] = [];
  const headings = new Headings(before);
  let hunk: Hunk | undefined;
  for (const [number, run] of runs.entries()) {
    if (run.kind !== 'same') {
      hunk ??= new Hunk(run.before, run.after, headings.above(run.before));
      if (run.kind === 'deleted') hunk.add('-', before.slice(run.before, run.before + run.count));
      else hunk.add('+', after.slice(run.after, run.after + run.count));
      continue;
    }
    const isLast = number === runs.length - 1;
    if (hunk !== undefined) {
      const joins = !isLast && run.count <= 2 * CONTEXT_LINES;
      const shown = joins ? run.count : Math.min(run.count, CONTEXT_LINES);
      hunk.add(' ', before.slice(run.before, run.before + shown));
      if (joins) continue;
      out.push(hunk.toString());
      hunk = undefined;
    }
    if (isLast) break;
    const lead = Math.min(run.count, CONTEXT_LINES);
    const skipped = run.count - lead;
    const start = run.before + skipped;
    hunk = new Hunk(start, run.after + skipped, headings.above(start));
    hunk.add(' ', before.slice(run.before + skipped, run.before + run.count));
  }
  if (hunk !== undefined) out.push(hunk.toString());
  return out;
}

/** What a hunk stands in, as git finds it: the last line above that begins with a letter, `_` or `$`. */
class Headings {
  readonly #lines: readonly string[];
  #found = '';
  #searchedTo = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /** The heading of the line at `number`; numbers come in ascending order. */
  above(number: number): string {
    for (let at = number - 1; at >= this.#searchedTo; at--) {
      const line = this.#lines[at] ?? '';
      if (!/^[A-Za-z_$]/.test(line)) continue;
      this.#found = line.slice(0, MOST_HEADING_BYTES).replace(/[ \t\r\n\v\f]+$/, '');
      break;
    }
    this.#searchedTo = Math.max(this.#searchedTo, number);
    return this.#found;
  }
}

class Hunk {
  readonly #before: number;
  readonly #after: number;
  readonly #heading: string;
  #deleted = 0;
  #added = 0;
  readonly #lines: string[] = [];

  constructor(before: number, after: number, heading: string) {
    this.#before = before;
    this.#after = after;
    this.#heading = heading;
  }

  add(mark: ' ' | '-' | '+', lines: readonly string[]): void {
    if (mark !== '+') this.#deleted += lines.length;
    if (mark !== '-') this.#added += lines.length;
    for (const line of lines) {
      this.#lines.push(mark, line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`);
    }
  }

  toString(): string {
    const before = rangeText(this.#before, this.#deleted);
    const after = rangeText(this.#after, this.#added);
    const heading = this.#heading === '' ? '' : ` ${this.#heading}`;
    return `@@ -${before} +${after} @@${heading}\n${this.#lines.join('')}`;
  }
}

/** Lines are counted from 1; an empty range stands behind the line before it. */
function rangeText(start: number, count: number): string {
  const first = count === 0 ? start : start + 1;
  return count === 1 ? String(first) : `${first},${count}`;
}

function modeLines(before: ComparedEntry | undefined, after: ComparedEntry | undefined): string[] {
  const old = gitMode(before);
  const fresh = gitMode(after);
  if (old === fresh) return [];
  if (old === undefined) return [`new file mode ${fresh ?? ''}\n`];
  if (fresh === undefined) return [`deleted file mode ${old}\n`];
  return [`old mode ${old}\n`, `new mode ${fresh}\n`];
}

function gitMode(entry: ComparedEntry | undefined): string | undefined {
  if (entry === undefined || entry.type === 'directory') return undefined;
  if (isLink(entry)) return '120000';
  return (entry.mode & 0o100) === 0 ? '100644' : '100755';
}

function isLink({ type }: ComparedEntry): boolean {
  return type === 'link';
}

function isDirectory(entry: ComparedEntry | undefined): boolean {
  return entry === undefined || entry.type === 'directory';
}

/** A name as git writes it, byte for byte: between quotes when it holds what would be taken for something else. */
function quotedName(name: string): string {
  const bytes = encodeName(name).toString('latin1');
  const quotes = /["\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/u.test(name);
  if (!quotes) return bytes;
  return `"${bytes.replace(/["\\]/g, '\\$&').replace(/[^\x20-\x7e]/g, octal)}"`;
}

function octal(character: string): string {
  const short = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }[character];
  return short ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
}

/** After a name with a space a tab says where it ends. */
function endedName(name: string): string {
  return name.includes(' ') && !name.startsWith('"') ? `${name}\t` : name;
}
