import { quoted } from './open.ts';

/** What {@link valueColumns} reads of a value: its type, and its content in a form that loses nothing. */
export type ReadValue = readonly [type: string, content: unknown];

/** Two result columns a value is read by, so that it can be written exactly: integers as text, text as its bytes. */
export function valueColumns(expression: string): string {
  return `typeof(${expression}), CASE typeof(${expression}) WHEN 'text' THEN CAST(${expression} AS BLOB)
    WHEN 'integer' THEN CAST(${expression} AS TEXT) ELSE ${expression} END`;
}

/** An expression that is equal for two values only when they are the same, type and bytes; never NULL. */
export function signature(expression: string): string {
  return `CASE typeof(${expression}) WHEN 'text' THEN 't' || hex(CAST(${expression} AS BLOB))
    WHEN 'blob' THEN 'b' || hex(${expression}) WHEN 'real' THEN 'r' || printf('%!.17g', ${expression})
    WHEN 'integer' THEN 'i' || ${expression} ELSE 'n' END`;
}

/** A condition that is true when two values are not the same, type and bytes, whatever their columns’ rules. */
export function differs(one: string, other: string): string {
  return `(+${one} COLLATE BINARY IS NOT +${other} OR typeof(${one}) <> typeof(${other}))`;
}

/** A column of a table under its name in a statement. */
export function columnOf(table: string, name: string): string {
  return `${table}.${quoted(name)}`;
}

/**
 * A value as a literal that makes exactly this value again; null for NULL.
 * @param encoding how the database keeps text: what `PRAGMA encoding` says
 */
export function sqliteLiteral([type, content]: ReadValue, encoding: string): string | null {
  switch (type) {
    case 'integer':
      return String(content);
    case 'real':
      return realLiteral(content as number);
    case 'blob':
      return `x'${Buffer.from(content as Uint8Array).toString('hex')}'`;
    case 'text':
      return textLiteral(Buffer.from(content as Uint8Array), encoding);
    default:
      return null;
  }
}

function realLiteral(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-9e999' : '9e999';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Text as people read it; what is no such text as its bytes. */
function textLiteral(bytes: Buffer, encoding: string): string {
  const text = decoded(bytes, encoding);
  return text === undefined || text.includes('\0')
    ? `CAST(x'${bytes.toString('hex')}' AS TEXT)`
    : `'${text.replaceAll("'", "''")}'`;
}

function decoded(bytes: Buffer, encoding: string): string | undefined {
  const name = { 'UTF-16le': 'utf-16le', 'UTF-16be': 'utf-16be' }[encoding] ?? 'utf-8';
  try {
    return new TextDecoder(name, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
