const TAB = 0x09;
const LINE_FEED = 0x0a;
const BACKSLASH = 0x5c;
const CAPITAL_N = 0x4e;

/** What the letter behind a backslash stands for in COPY’s text form; any other stands for itself. */
const ESCAPED = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x76, 0x0b],
]);

/** A value as it stands in a line, with its escapes; null is NULL. */
export type Field = Buffer | null;

/** The byte that a letter behind a backslash stands for. */
export function unescapedByte(letter: number): number {
  return ESCAPED.get(letter) ?? letter;
}

/** Where a column of the line that begins at `start` begins; the line has it. */
export function fieldStart(bytes: Uint8Array, start: number, column: number): number {
  let at = start;
  for (let left = column; left > 0; at++) if (bytes[at] === TAB) left--;
  return at;
}

/** The fields of a line without its line feed, sharing its bytes. */
export function fieldsOf(line: Buffer): Field[] {
  const fields: Field[] = [];
  for (let start = 0; start <= line.length;) {
    const tab = line.indexOf(TAB, start);
    const end = tab < 0 ? line.length : tab;
    const isNull = end - start === 2 && line[start] === BACKSLASH && line[start + 1] === CAPITAL_N;
    fields.push(isNull ? null : line.subarray(start, end));
    start = end + 1;
  }
  return fields;
}

/** The lines of a block, without their line feeds, sharing its bytes; each of them ends with one. */
export function linesOf(block: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0, end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, start)) {
    lines.push(block.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

/** The bytes of a value without escapes. */
export function unescaped(field: Buffer): Buffer {
  if (!field.includes(BACKSLASH)) return field;
  const value = Buffer.allocUnsafe(field.length);
  let length = 0;
  for (let at = 0; at < field.length; at++) {
    const byte = field[at]!;
    value[length++] = byte === BACKSLASH && at + 1 < field.length ? unescapedByte(field[++at]!) : byte;
  }
  return value.subarray(0, length);
}

/** Whether a byte ends a field. */
export function endsField(byte: number | undefined): boolean {
  return byte === TAB || byte === LINE_FEED || byte === undefined;
}
