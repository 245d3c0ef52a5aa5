import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';

const LINE_FEED = 0x0a;
/** Who reads so many chunks reads more: it pays to have them ready … */
const LOADS_BEFORE_AHEAD = 48;
/** … as many as this, about 5 MiB. */
const CHUNKS_AHEAD = 160;
const NOTHING = Buffer.alloc(0);

/** Where a row begins: in which of the chunks that are read, and at which byte behind its beginning. */
export interface RowPosition {
  readonly chunk: number;
  readonly offset: number;
}

/** Walks over the lines of a list of chunks. Loading must be awaited; within a chunk all is at hand. */
export class RowReader {
  /** Whole lines; those from {@link at} on are still to come. */
  bytes: Buffer = NOTHING;
  at = 0;
  readonly #ids: Buffer;
  readonly #read: (id: Buffer) => Promise<Buffer>;
  readonly #ahead: ((ids: Buffer) => void) | undefined;
  /** Chunks before this are read or asked for. */
  #asked = 0;
  #loads = 0;
  /** The chunk that the bytes begin with, and the one behind them. */
  #first: number;
  #next: number;
  /** Bytes of the next chunk that are passed over. */
  #skip: number;

  /** @param ahead told which chunks will be read soon, once many have been */
  constructor(
    ids: Buffer,
    read: (id: Buffer) => Promise<Buffer>,
    from: RowPosition,
    ahead?: (ids: Buffer) => void,
  ) {
    this.#ahead = ahead;
    this.#ids = ids;
    this.#read = read;
    this.#first = from.chunk;
    this.#next = from.chunk;
    this.#skip = from.offset;
  }

  /** Whether {@link load} must be awaited to learn if there is another line. */
  get needsLoad(): boolean {
    return this.at === this.bytes.length && !this.isDone;
  }

  get isDone(): boolean {
    return this.at === this.bytes.length && this.#next * CHUNK_ID_BYTES >= this.#ids.length;
  }

  /** Where the next line begins. */
  get position(): RowPosition {
    return this.at === this.bytes.length
      ? { chunk: this.#next, offset: this.#skip }
      : { chunk: this.#first, offset: this.at };
  }

  /** Behind the line that is next, its line feed included. */
  get lineEnd(): number {
    const end = this.bytes.indexOf(LINE_FEED, this.at);
    return end < 0 ? this.bytes.length : end + 1;
  }

  /** Reads the next chunk, and those behind it that its last row goes on in. @throws what reading throws. */
  async load(): Promise<void> {
    this.#lookAhead();
    this.#first = this.#next;
    const parts: Buffer[] = [];
    do {
      const at = this.#next++ * CHUNK_ID_BYTES;
      parts.push(await this.#read(this.#ids.subarray(at, at + CHUNK_ID_BYTES)));
    } while (parts.at(-1)?.at(-1) !== LINE_FEED && this.#next * CHUNK_ID_BYTES < this.#ids.length);
    this.bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    this.at = Math.min(this.#skip, this.bytes.length);
    this.#skip = 0;
  }

  #lookAhead(): void {
    if (this.#ahead === undefined || ++this.#loads < LOADS_BEFORE_AHEAD) return;
    const from = Math.max(this.#asked, this.#next);
    const to = this.#next + CHUNKS_AHEAD;
    if (to - from < CHUNKS_AHEAD / 2) return;
    this.#asked = to;
    if (from * CHUNK_ID_BYTES < this.#ids.length)
      this.#ahead(this.#ids.subarray(from * CHUNK_ID_BYTES, to * CHUNK_ID_BYTES));
  }
}
