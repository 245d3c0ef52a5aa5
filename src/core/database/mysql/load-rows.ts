import { DatabaseError } from '../error.ts';
import type { ColumnPlan } from './columns.ts';
import type { TablePlan } from './table-plan.ts';
import { quoteName, quoteTable } from './quote.ts';
import type { Wire } from './wire.ts';

const STATEMENT_BYTES = 1024 * 1024;
/** What a packet has besides the statement, generously. */
const PACKET_OVERHEAD = 1024;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const QUOTE = 0x27;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const CONTROL_Z = 0x1a;
const CAPITAL_N = 0x4e;
const NULL_TEXT = Buffer.from('NULL');
const MINUS = 0x2d;
const ZERO = 0x30;
const NEGATIVE_ZERO = Buffer.from('-0e0');

/** Loads lines by LOAD DATA LOCAL INFILE, as a stream. */
export async function loadLines(
  wire: Wire,
  schema: string,
  { head, columns }: TablePlan,
  lines: AsyncIterable<Buffer>,
): Promise<void> {
  const fields = head.columns.map(({ name }, index) =>
    columns[index]!.load === undefined ? quoteName(name) : `@field${String(index)}`,
  );
  const sets = columns.flatMap(({ load }, index) =>
    load === undefined ? [] : `${quoteName(head.columns[index]!.name)} = ${load(`@field${String(index)}`)}`,
  );
  await wire.load(
    `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${quoteTable(schema, head.name)} CHARACTER SET utf8mb4
     FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (${fields.join(', ')})${
       sets.length === 0 ? '' : ` SET ${sets.join(', ')}`
     }`,
    lines,
  );
}

/**
 * Loads lines by INSERT statements, for servers that refuse the other way.
 * @param packetBytes the server’s max_allowed_packet
 * @throws {DatabaseError} `cannot-hold` for a row that fits into no packet.
 */
export async function insertLines(
  wire: Wire,
  schema: string,
  plan: TablePlan,
  lines: AsyncIterable<Buffer>,
  packetBytes: number,
): Promise<void> {
  const { head, columns } = plan;
  const literals = columns.map(({ literal }) => literal);
  const names = head.columns.map(({ name }) => quoteName(name)).join(', ');
  const begin = Buffer.from(`INSERT INTO ${quoteTable(schema, head.name)} (${names}) VALUES `);
  const mostBytes = packetBytes - PACKET_OVERHEAD;
  let rows: Buffer[] = [];
  let bytes = begin.length;
  const send = async () => {
    if (rows.length > 0) await wire.query(Buffer.concat([begin, ...rows.slice(1)]));
    rows = [];
    bytes = begin.length;
  };
  for await (const line of wholeLines(lines)) {
    const row = valuesOf(line, literals);
    if (begin.length + row.length > mostBytes) {
      throw new DatabaseError(
        'cannot-hold',
        `A row of “${head.name}” takes ${String(row.length)} bytes, and the server takes statements of at most ${String(packetBytes)}.`,
        { hint: 'Raise max_allowed_packet of the server, or set local_infile = 1 there, then try again.' },
      );
    }
    if (bytes + row.length + 1 > Math.min(STATEMENT_BYTES, mostBytes)) await send();
    rows.push(Buffer.of(COMMA), row);
    bytes += row.length + 1;
  }
  await send();
}

/** A line as `(…, …)`. COPY’s escapes mean the same in MySQL’s texts. */
export function valuesOf(line: Buffer, literals: readonly ColumnPlan['literal'][]): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  for (const literal of literals) {
    const tab = line.indexOf(TAB, start);
    const end = tab < 0 ? line.length : tab;
    const field = line.subarray(start, end);
    start = end + 1;
    parts.push(Buffer.from(parts.length === 0 ? '(' : ','));
    if (field.length === 2 && field[0] === BACKSLASH && field[1] === CAPITAL_N) parts.push(NULL_TEXT);
    else if (literal === 'bare') parts.push(bareNumber(field));
    else if (literal === 'hex') parts.push(Buffer.from("x'"), field, Buffer.of(QUOTE));
    else parts.push(Buffer.of(QUOTE), quotedInside(field), Buffer.of(QUOTE));
  }
  parts.push(Buffer.from(')'));
  return Buffer.concat(parts);
}

/** A number as a literal: `-0` would be an integer, which has no sign. */
export function bareNumber(field: Buffer): Buffer {
  return field.length === 2 && field[0] === MINUS && field[1] === ZERO ? NEGATIVE_ZERO : field;
}

/** Doubles quotes, and spells what clients stumble over. */
function quotedInside(field: Buffer): Buffer {
  if (!field.includes(QUOTE) && !field.includes(0) && !field.includes(CONTROL_Z)) return field;
  const quoted = Buffer.allocUnsafe(field.length * 2);
  let length = 0;
  for (const byte of field) {
    if (byte === QUOTE) quoted[length++] = QUOTE;
    else if (byte === 0 || byte === CONTROL_Z) quoted[length++] = BACKSLASH;
    quoted[length++] = byte === 0 ? 0x30 : byte === CONTROL_Z ? 0x5a : byte;
  }
  return quoted.subarray(0, length);
}

/** Lines without their line feeds. */
export async function* wholeLines(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  for await (const block of blocks) {
    let start = 0;
    for (let at = block.indexOf(LINE_FEED); at >= 0; at = block.indexOf(LINE_FEED, start)) {
      const rest = block.subarray(start, at);
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      start = at + 1;
    }
    if (start < block.length) begun.push(block.subarray(start));
  }
}
