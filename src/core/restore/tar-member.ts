import { encodeName } from '../source/name.ts';

/** One thing in a tar archive. */
export interface TarMember {
  /** Spelled as in `source/name.ts`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, rounded down. */
  readonly seconds: number;
  /** 0 … 999,999,999. */
  readonly nanoseconds: number;
  /** Where a link points. */
  readonly target?: string | undefined;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** The largest number that fits its field: seven octal digits. */
const MOST_ID = 0o7777777;
const FLAGS = { file: '0', link: '2', directory: '5' } as const;
/** Blocks of zeros that end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/** Whether a user's or group's number can stand in an archive. */
export function fitsTar(id: number): boolean {
  return id <= MOST_ID;
}

/** The most bytes a member takes, its content included. */
export function tarBytes(pathLength: number, contentBytes: number): number {
  // Header, time, a long name and its content; a character is at most three bytes.
  return 5 * BLOCK_BYTES + padded(3 * pathLength + 1) + padded(contentBytes);
}

/**
 * Writes a member into an archive: its time to the nanosecond in a pax header (POSIX.1-2001), a long name as GNU tar has
 * it, for that keeps bytes as they are. Returns where the next one begins.
 */
export function writeMember(archive: Buffer, start: number, member: TarMember, content?: Uint8Array): number {
  const name = encodeName(member.path);
  const target = member.target === undefined ? NOTHING : encodeName(member.target);
  let at = start;
  if (target.length >= NAME_BYTES) at = writeExtension(archive, at, 'K', target, 1);
  if (name.length >= NAME_BYTES) at = writeExtension(archive, at, 'L', name, 1);
  at = writeExtension(archive, at, 'x', Buffer.from(timeRecord(member), 'latin1'), 0);
  const bytes = content?.byteLength ?? 0;
  writeHeader(archive, at, name, FLAGS[member.type], bytes, member, target);
  at += BLOCK_BYTES;
  if (content === undefined) return at;
  archive.set(content, at);
  archive.fill(0, at + bytes, at + padded(bytes));
  return at + padded(bytes);
}

const NOTHING = Buffer.alloc(0);
const EXTENSION_NAME = Buffer.from('././@LongLink');
const EXTENSION = { mode: 0o644, uid: 0, gid: 0 };

/** A member that says more about the next one; `zeros` end its text. */
function writeExtension(archive: Buffer, at: number, flag: string, text: Buffer, zeros: number): number {
  const bytes = text.length + zeros;
  writeHeader(archive, at, EXTENSION_NAME, flag, bytes, EXTENSION, NOTHING);
  const start = at + BLOCK_BYTES;
  const end = start + padded(bytes);
  archive.set(text, start);
  archive.fill(0, start + text.length, end);
  return end;
}

/** A header without what differs, its checksum counted as spaces. */
const BLANK = Buffer.alloc(BLOCK_BYTES);
for (const [at, digits] of [
  [100, 7],
  [108, 7],
  [116, 7],
  [124, 11],
  [136, 11],
] as const)
  BLANK.fill('0', at, at + digits);
BLANK.fill(' ', 148, 156);
BLANK.write('ustar\u000000', 257, 'latin1');
const BLANK_SUM = BLANK.reduce((sum, byte) => sum + byte, 0);

function writeHeader(
  archive: Buffer,
  at: number,
  name: Buffer,
  flag: string,
  bytes: number,
  { mode, uid, gid }: Pick<TarMember, 'mode' | 'uid' | 'gid'>,
  target: Buffer,
): void {
  archive.set(BLANK, at);
  let sum = BLANK_SUM + flag.charCodeAt(0);
  archive[at + 156] = flag.charCodeAt(0);
  sum += writeText(archive, at, name);
  sum += writeText(archive, at + 157, target);
  sum += writeOctal(archive, at + 107, mode);
  sum += writeOctal(archive, at + 115, uid);
  sum += writeOctal(archive, at + 123, gid);
  sum += writeOctal(archive, at + 135, bytes);
  archive.fill(0x30, at + 148, at + 154);
  writeOctal(archive, at + 154, sum);
  archive[at + 154] = 0;
}

/** Writes as much of a text as its field holds; the sum of the bytes. */
function writeText(archive: Buffer, at: number, text: Buffer): number {
  const length = Math.min(text.length, NAME_BYTES - 1);
  let sum = 0;
  for (let byte = 0; byte < length; byte++) sum += archive[at + byte] = text[byte]!;
  return sum;
}

/** Writes a number over a field of zeros that ends at `end`; by how much the sum of the bytes grows. */
function writeOctal(archive: Buffer, end: number, value: number): number {
  let sum = 0;
  for (let rest = value, at = end - 1; rest > 0; rest = Math.floor(rest / 8), at--) {
    archive[at] = 0x30 + (rest % 8);
    sum += rest % 8;
  }
  return sum;
}

/** A pax record begins with its own length. */
function timeRecord({ seconds, nanoseconds }: TarMember): string {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? seconds + 1 : seconds;
  const rest = isBefore ? 1_000_000_000 - nanoseconds : nanoseconds;
  const sign = isBefore && whole === 0 ? '-' : '';
  const record = ` mtime=${sign}${whole}.${String(rest).padStart(9, '0')}\n`;
  // Two digits for every time there is.
  return `${record.length + 2}${record}`;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
