import {
  BitWriter,
  codeOf,
  CodeStream,
  COPY_CODES,
  COPY_TABLE,
  LITERAL_CODES,
  LITERAL_TABLE,
  OFFSET_TABLE,
} from './zstd-codes.ts';

const MAGIC = 0xfd2fb528;
/** Content size in four bytes, a window descriptor, no checksum, no dictionary id. */
const FRAME_DESCRIPTOR = 0x80;
const LEAST_WINDOW_LOG = 10;
const FRAME_HEADER_BYTES = 10;
const BLOCK_HEADER_BYTES = 3;
const COMPRESSED_BLOCK = 2;
const RAW_BLOCK = 0;
/** The most a block may decode to. */
const BLOCK_BYTES = 128 * 1024;
const LEAST_COPY = 3;
/** Offset values up to this mean offsets used before. */
const REPEATS = 3;
/** What the header of literals and that of sequences take at most. */
const SECTION_HEADERS_BYTES = 3 + 4;
/** Bits of a sequence at most, in bytes. */
const SEQUENCE_BYTES = 16;

interface Sequence {
  readonly literals: number;
  /** As it is coded: an offset and {@link REPEATS}, or a repeat. */
  readonly offset: number;
  readonly copied: number;
}

/**
 * Writes one zstd frame (RFC 8878) of literals and copies that are already known, in the order of its content, so that
 * nothing has to be searched for. Copies reach back over the content and the dictionary before it. Literals stand as they
 * are, and the codes of sequences have the distributions every decoder knows (§3.1.1.3.2.2).
 */
export class ZstdFrameWriter {
  readonly #plain: Buffer;
  readonly #blocks: Buffer[] = [];
  readonly #sequences: Sequence[] = [];
  /** Where the block’s literals stand in the content. */
  readonly #literals: { start: number; end: number }[] = [];
  /** Where the block begins, and how far the content is taken. */
  #start = 0;
  #at = 0;
  #pending = 0;
  #lastOffset = 0;

  /** @param plain the content, less than 4 GiB */
  constructor(plain: Uint8Array) {
    this.#plain = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  }

  /** Takes the next bytes of the content as they are. */
  literal(bytes: number): void {
    for (let left = bytes; left > 0;) {
      const taken = Math.min(left, this.#room());
      this.#literals.push({ start: this.#at, end: this.#at + taken });
      this.#pending += taken;
      this.#at += taken;
      left -= taken;
    }
  }

  /** Takes the next bytes of the content as a copy of those that stand `offset` bytes before. */
  copy(bytes: number, offset: number): void {
    for (let left = bytes; left > 0;) {
      const taken = Math.min(left, this.#room());
      if (taken < LEAST_COPY) this.literal(taken);
      else {
        const repeats = offset === this.#lastOffset && this.#pending > 0;
        this.#sequences.push({
          literals: this.#pending,
          offset: repeats ? 1 : offset + REPEATS,
          copied: taken,
        });
        this.#pending = 0;
        this.#lastOffset = offset;
        this.#at += taken;
      }
      left -= taken;
    }
  }

  /**
   * The frame, when all of the content was taken.
   * @param dictionaryBytes how far copies reach beyond the content
   */
  finish(dictionaryBytes: number): Buffer {
    this.#closeBlock(true);
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    header[4] = FRAME_DESCRIPTOR;
    const windowLog = Math.ceil(Math.log2(this.#plain.length + dictionaryBytes + 1));
    header[5] = Math.max(0, windowLog - LEAST_WINDOW_LOG) << 3;
    header.writeUInt32LE(this.#plain.length, 6);
    return Buffer.concat([header, ...this.#blocks]);
  }

  /** What the block still takes, after the last was closed if it was full. */
  #room(): number {
    if (this.#at - this.#start === BLOCK_BYTES) this.#closeBlock(false);
    return BLOCK_BYTES - (this.#at - this.#start);
  }

  #closeBlock(isLast: boolean): void {
    const bytes = this.#at - this.#start;
    const raw = this.#plain.subarray(this.#start, this.#at);
    const coded = this.#sequences.length === 0 ? raw : this.#code();
    const isRaw = coded.length >= bytes;
    const header = Buffer.alloc(BLOCK_HEADER_BYTES);
    const body = isRaw ? raw : coded;
    header.writeUIntLE(
      (isLast ? 1 : 0) | ((isRaw ? RAW_BLOCK : COMPRESSED_BLOCK) << 1) | (body.length << 3),
      0,
      3,
    );
    this.#blocks.push(header, body);
    // A raw block leaves the decoder without what its copies would have told it.
    if (isRaw) this.#lastOffset = 0;
    this.#sequences.length = 0;
    this.#literals.length = 0;
    this.#pending = 0;
    this.#start = this.#at;
  }

  #code(): Buffer {
    const literals = this.#literals.reduce((sum, { start, end }) => sum + end - start, 0);
    const out = Buffer.allocUnsafe(
      SECTION_HEADERS_BYTES + literals + (this.#sequences.length + 1) * SEQUENCE_BYTES,
    );
    let at = writeLiteralsHeader(out, literals);
    for (const { start, end } of this.#literals) at += this.#plain.copy(out, at, start, end);
    at = writeCount(out, at, this.#sequences.length);
    out[at++] = 0;
    return out.subarray(0, this.#writeSequences(out, at));
  }

  #writeSequences(out: Buffer, at: number): number {
    const bits = new BitWriter(out, at);
    const literal = new CodeStream(LITERAL_TABLE);
    const offset = new CodeStream(OFFSET_TABLE);
    const copy = new CodeStream(COPY_TABLE);
    for (let number = this.#sequences.length - 1; number >= 0; number--) {
      const sequence = this.#sequences[number]!;
      const literals = codeOf(LITERAL_CODES, sequence.literals);
      const copied = codeOf(COPY_CODES, sequence.copied - LEAST_COPY);
      const offsetCode = 31 - Math.clz32(sequence.offset);
      if (number === this.#sequences.length - 1) {
        copy.begin(copied.code);
        offset.begin(offsetCode);
        literal.begin(literals.code);
      } else {
        offset.add(offsetCode, bits);
        copy.add(copied.code, bits);
        literal.add(literals.code, bits);
      }
      bits.add(literals.extra, literals.bits);
      bits.add(copied.extra, copied.bits);
      const low = Math.min(offsetCode, 16);
      bits.add(sequence.offset, low);
      bits.add((sequence.offset & ~(1 << offsetCode)) >>> low, offsetCode - low);
    }
    copy.finish(bits);
    offset.finish(bits);
    literal.finish(bits);
    return bits.finish();
  }
}

/** Literals as they are (§3.1.1.3.1.1); returns where they begin. */
function writeLiteralsHeader(out: Buffer, literals: number): number {
  if (literals < 32) {
    out[0] = literals << 3;
    return 1;
  }
  if (literals < 4096) {
    out.writeUInt16LE((literals << 4) | 0b0100, 0);
    return 2;
  }
  out.writeUIntLE((literals << 4) | 0b1100, 0, 3);
  return 3;
}

/** The number of sequences (§3.1.1.3.2.1); returns what is behind it. */
function writeCount(out: Buffer, at: number, count: number): number {
  if (count < 128) {
    out[at] = count;
    return at + 1;
  }
  if (count < 0x7f00) {
    out[at] = (count >> 8) + 128;
    out[at + 1] = count & 0xff;
    return at + 2;
  }
  out[at] = 0xff;
  out.writeUInt16LE(count - 0x7f00, at + 1);
  return at + 3;
}
