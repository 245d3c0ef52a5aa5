import { createHash } from 'node:crypto';
import type { DatabaseInfo, TableHead } from '../database/engine.ts';
import { type Field, unescaped } from '../database/line.ts';

/**
 * A value as it is shown: text without escapes, null for NULL. Bytes that are no text, and text that is too long to be
 * shown whole, are told by their size and hash.
 */
export type Cell = string | null | LongCell;

/** A value that is not shown as a whole. */
export interface LongCell {
  readonly bytes: number;
  /** Of all its bytes, as 64 hex digits. */
  readonly sha256: string;
  /** Its beginning, where it is text. */
  readonly text?: string;
}

/**
 * How a value stands in a row: text with COPY’s escapes, the same with bytes as hexadecimal digits (MySQL), or with `\x`
 * before these (PostgreSQL), or as a literal of SQL (SQLite).
 */
export type CellForm = 'text' | 'hex' | 'bytea' | 'literal';

/** What of a long text is shown where not all of it is. */
const SHOWN_CHARACTERS = 200;

/** How the values of a table’s columns stand in its rows, by the columns’ names. */
export function formsOf(engine: DatabaseInfo['engine'], head: TableHead): ReadonlyMap<string, CellForm> {
  const literals = (head.details?.['literals'] ?? []) as readonly unknown[];
  return new Map(
    head.columns.map(({ name, type }, at): [string, CellForm] => {
      if (engine === 'sqlite') return [name, 'literal'];
      if (engine === 'mysql' && literals[at] === 'hex') return [name, 'hex'];
      return [name, engine === 'postgresql' && type === 'bytea' ? 'bytea' : 'text'];
    }),
  );
}

/** A value as it is shown. @param mostCharacters texts that are longer are cut */
export function cellOf(field: Field, form: CellForm, mostCharacters: number): Cell {
  if (field === null) return null;
  const value = valueOf(field, form);
  if (typeof value !== 'string') return { bytes: value.length, sha256: sha256(value) };
  if (value.length <= mostCharacters) return value;
  const bytes = Buffer.from(value);
  return { bytes: bytes.length, sha256: sha256(bytes), text: value.slice(0, SHOWN_CHARACTERS) };
}

/** A value as text; undefined for bytes that are none. */
export function textOf(field: Buffer, form: CellForm): string | undefined {
  const value = valueOf(field, form);
  return typeof value === 'string' ? value : undefined;
}

/** A value as text, or as the bytes it is. */
export function valueOf(field: Buffer, form: CellForm): string | Buffer {
  return form === 'literal' ? literalValue(field.toString()) : storedValue(field, form);
}

/** A name for a key that was shown: the same for the same values, whether they were cut or not. */
export function keyName(key: readonly Cell[]): string {
  const names = key.map((cell) => {
    if (cell === null) return null;
    // Up to here none is ever cut.
    return typeof cell === 'string' && cell.length <= SHOWN_CHARACTERS ? [cell] : hashOf(cell);
  });
  return JSON.stringify(names);
}

function hashOf(cell: string | LongCell): string {
  return typeof cell === 'string' ? sha256(Buffer.from(cell)) : cell.sha256;
}

function storedValue(field: Buffer, form: CellForm): string | Buffer {
  if (form === 'hex') return Buffer.from(field.toString('latin1'), 'hex');
  const value = unescaped(field);
  return form === 'bytea' ? Buffer.from(value.toString('latin1').slice(2), 'hex') : value.toString('utf8');
}

/** The value of a literal as `sqliteLiteral` writes it. */
function literalValue(literal: string): string | Buffer {
  if (literal.startsWith("'")) return literal.slice(1, -1).replaceAll("''", "'");
  const [, digits] = /^(?:CAST\()?x'([0-9a-f]*)'/i.exec(literal) ?? [];
  return digits === undefined ? literal : Buffer.from(digits, 'hex');
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
