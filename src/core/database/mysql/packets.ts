const HEADER_BYTES = 4;
const LONGEST_PART = 0xffffff;
const FIRST_ROOM_BYTES = 256 * 1024;
/** Stands for a value’s length where the value is NULL; a longer length stands in the bytes behind. */
export const NULL_VALUE = 0xfb;

/** What is done with a packet; it stands in `bytes` from `start` to `end` during the call only. */
export type TakePacket = (bytes: Buffer, start: number, end: number, sequence: number) => void;

/**
 * Finds the packets in what a server sends. A packet stays where it is as long as it came in one piece; of those cut in
 * two the pieces are put together, and so are the parts of packets of 16 MiB and more.
 */
export class PacketReader {
  #held = Buffer.alloc(0);
  #heldBytes = 0;

  /** Takes the next bytes and hands out every packet that is complete. */
  read(chunk: Buffer, take: TakePacket): void {
    if (this.#heldBytes === 0) {
      const done = this.#packets(chunk, chunk.length, take);
      if (done < chunk.length) this.#hold(chunk.subarray(done));
      return;
    }
    this.#hold(chunk);
    const done = this.#packets(this.#held, this.#heldBytes, take);
    this.#held.copy(this.#held, 0, done, this.#heldBytes);
    this.#heldBytes -= done;
    // The room of a huge row is not kept.
    if (this.#heldBytes === 0 && this.#held.length > LONGEST_PART) this.#held = Buffer.alloc(0);
  }

  #hold(bytes: Buffer): void {
    const wanted = this.#heldBytes + bytes.length;
    if (wanted > this.#held.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(FIRST_ROOM_BYTES, this.#held.length * 2, wanted));
      this.#held.copy(room, 0, 0, this.#heldBytes);
      this.#held = room;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes = wanted;
  }

  /** Returns where the first packet begins that is not complete. */
  #packets(bytes: Buffer, end: number, take: TakePacket): number {
    let at = 0;
    while (end - at >= HEADER_BYTES) {
      const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      const after = at + HEADER_BYTES + length;
      if (after > end) break;
      if (length === LONGEST_PART) {
        const joined = joinParts(bytes, at, end);
        if (joined === undefined) break;
        at = joined.after;
        take(joined.packet, 0, joined.packet.length, bytes[joined.last + 3]!);
        continue;
      }
      take(bytes, at + HEADER_BYTES, after, bytes[at + 3]!);
      at = after;
    }
    return at;
  }
}

/** A packet of several parts, or undefined while one is missing. */
function joinParts(bytes: Buffer, start: number, end: number) {
  const parts: Buffer[] = [];
  for (let at = start; end - at >= HEADER_BYTES;) {
    const length = bytes.readUIntLE(at, 3);
    const after = at + HEADER_BYTES + length;
    if (after > end) return undefined;
    parts.push(bytes.subarray(at + HEADER_BYTES, after));
    if (length < LONGEST_PART) return { packet: Buffer.concat(parts), after, last: at };
    at = after;
  }
  return undefined;
}

/** Cuts a payload into packets with their headers; the pieces share the payload’s memory. */
export function* framed(payload: Buffer, firstSequence: number): Generator<Buffer> {
  let sequence = firstSequence;
  for (let at = 0; ; at += LONGEST_PART) {
    const length = Math.min(LONGEST_PART, payload.length - at);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUIntLE(length, 0, 3);
    header[3] = sequence++ & 0xff;
    yield header;
    yield payload.subarray(at, at + length);
    if (length < LONGEST_PART) return;
  }
}

/** How many bytes the length of a value takes that is announced by a byte above {@link NULL_VALUE}. */
export function lengthBytes(first: number): 2 | 3 | 8 {
  return first === 0xfc ? 2 : first === 0xfd ? 3 : 8;
}

/** Such a length, as an integer for the compiler, too: no packet has 2 GiB. */
export function longLength(bytes: Buffer, at: number, size: 2 | 3 | 8): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8);
  return size === 2 ? low : low | (bytes[at + 2]! << 16) | (size === 3 ? 0 : bytes[at + 3]! << 24);
}

/** Reads numbers and texts of the protocol from a packet. */
export class PacketCursor {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  get at(): number {
    return this.#at;
  }

  /** An integer with its length before it; null for NULL. */
  number(): number | null {
    const bytes = this.#bytes;
    const first = bytes[this.#at++]!;
    if (first < NULL_VALUE) return first;
    if (first === NULL_VALUE) return null;
    const size = lengthBytes(first);
    const at = this.#at;
    this.#at += size;
    return size === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, size);
  }

  uint16(): number {
    const value = this.#bytes.readUInt16LE(this.#at);
    this.#at += 2;
    return value;
  }

  /** A text with its length before it, as UTF-8; null for NULL. */
  text(): string | null {
    const length = this.number();
    if (length === null) return null;
    const at = this.#at;
    this.#at += length;
    return this.#bytes.toString('utf8', at, at + length);
  }
}
