import type { FieldForm } from './line-encoder.ts';
import { quoteName } from './quote.ts';

/** A column as the server’s catalog has it. */
export interface CatalogColumn {
  readonly name: string;
  /** `varchar`, `bit` … */
  readonly dataType: string;
  /** `varchar(50)`, `enum('a','b')` … */
  readonly type: string;
  readonly charset: string | undefined;
  readonly nullable: boolean;
  readonly generated: boolean;
}

/** How a column is read, sorted and loaded. */
export interface ColumnPlan {
  /** The expression that is read. */
  readonly select: string;
  readonly form: FieldForm;
  readonly sorts: 'number' | 'bytes';
  /** The expression that brings rows into the order of `sorts`. */
  readonly order: string;
  /** The expression that makes the value from a field: undefined is the field itself. */
  readonly load: ((field: string) => string) | undefined;
  /** How a field is written in a statement. */
  readonly literal: 'bare' | 'text' | 'hex';
}

const NUMBERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'year']);
const MOMENTS = new Set(['date', 'datetime', 'timestamp']);
const BYTES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'vector']);
const SHAPES = new Set([
  ...['geometry', 'point', 'linestring', 'polygon', 'geometrycollection', 'geomcollection'],
  ...['multipoint', 'multilinestring', 'multipolygon'],
]);
/** Stored as UTF-8: read as it is, without a conversion that would make “?” of what it cannot read. */
const UTF8 = new Set(['utf8', 'utf8mb3', 'utf8mb4', 'ascii']);

/**
 * How to read and load a column so that every value comes back bit by bit.
 * @param exactCharsets charsets whose conversion to utf8mb4 and back loses nothing; text in others is read as bytes
 */
export function planColumn(column: CatalogColumn, exactCharsets: ReadonlySet<string>): ColumnPlan {
  const name = quoteName(column.name);
  const { dataType, charset } = column;
  if (NUMBERS.has(dataType))
    return { select: name, form: 'plain', sorts: 'number', order: name, load: undefined, literal: 'bare' };
  if (dataType === 'float' || dataType === 'double') {
    // A FLOAT is printed with six digits, a DOUBLE(10,2) with two after the point; a plain DOUBLE with all it has.
    const select = `CAST(${name} AS DOUBLE)`;
    const order = `CAST(CAST(${select} AS CHAR) AS BINARY)`;
    return { select, form: 'plain', sorts: 'bytes', order, load: undefined, literal: 'bare' };
  }
  if (dataType === 'bit') {
    const load = (field: string) => `CAST(${field} AS UNSIGNED)`;
    return {
      select: `CAST(${name} AS UNSIGNED)`,
      form: 'plain',
      sorts: 'number',
      order: name,
      load,
      literal: 'bare',
    };
  }
  if (MOMENTS.has(dataType))
    return { select: name, form: 'plain', sorts: 'bytes', order: name, load: undefined, literal: 'text' };
  if (BYTES.has(dataType) || SHAPES.has(dataType) || charset === 'binary') {
    const load = (field: string) => `UNHEX(${field})`;
    return { select: name, form: 'hex', sorts: 'bytes', order: name, load, literal: 'hex' };
  }
  const order = (text: string) => `CAST(${text} AS BINARY)`;
  if (charset === undefined) {
    // time, uuid, inet6, json …
    const text = `CAST(${name} AS CHAR)`;
    return {
      select: name,
      form: 'text',
      sorts: 'bytes',
      order: order(text),
      load: undefined,
      literal: 'text',
    };
  }
  if (UTF8.has(charset))
    return {
      select: name,
      form: 'text',
      sorts: 'bytes',
      order: order(name),
      load: undefined,
      literal: 'text',
    };
  if (exactCharsets.has(charset)) {
    const select = `CONVERT(${name} USING utf8mb4)`;
    return { select, form: 'text', sorts: 'bytes', order: order(select), load: undefined, literal: 'text' };
  }
  const load = (field: string) => `CONVERT(UNHEX(${field}) USING ${charset})`;
  return { select: name, form: 'hex', sorts: 'bytes', order: order(name), load, literal: 'hex' };
}
