import type { Duplex } from 'node:stream';
import type { Connection, Submittable } from 'pg';

/** Blocks smaller than this are gathered, so that each step costs little beside its bytes. */
const BLOCK_BYTES = 256 * 1024;

const HEADER_BYTES = 5;
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
/** CopyOutResponse, and what a server may say at any time: NoticeResponse, ParameterStatus, NotificationResponse. */
const PASSED_OVER = new Set([0x48, 0x4e, 0x53, 0x41]);

type Listener = (bytes: Buffer) => void;

/** Takes bytes of rows and how many rows end in them; what it promises is awaited before the next block. */
export type TakeRows = (block: Buffer, rows: number) => Promise<void> | undefined;

/**
 * The rows of a `COPY … TO STDOUT`. A server sends every row as a message of its own; they are put together as they
 * arrive, without an object for each, as the driver and what is made for it would have.
 *
 * What is used of the driver’s inside: it reads its socket by one `data` listener, which is put aside for as long as
 * rows come and then gets the rest.
 */
export class CopyReader implements Submittable {
  readonly text: string;
  /** Fulfilled when the connection is ready for something else. */
  readonly done: Promise<void>;
  readonly #take: TakeRows;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #stream: Duplex | undefined;
  #drivers: Listener | undefined;
  readonly #own: Listener = (bytes) => {
    this.#arrived(bytes);
  };
  /** Of a header that came in pieces what has come; else the last one that was not of a row. */
  #header = Buffer.alloc(0);
  #code = 0;
  /** What is still to come of a message. */
  #left = 0;
  #block = Buffer.allocUnsafeSlow(2 * BLOCK_BYTES);
  #filled = 0;
  #rows = 0;
  #last: Promise<void> | undefined;

  constructor(text: string, take: TakeRows) {
    this.text = text;
    this.#take = take;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    const [listener] = stream.listeners('data') as Listener[];
    this.#stream = stream;
    this.#drivers = listener;
    if (listener !== undefined) stream.off('data', listener);
    stream.on('data', this.#own);
    connection.query(this.text);
  }

  /** Called by the driver, as the two below. */
  handleError(error: unknown): void {
    this.#giveBack(undefined);
    this.#reject(error);
  }

  handleCommandComplete(): void {
    // ReadyForQuery follows.
  }

  handleReadyForQuery(): void {
    if (this.#last === undefined) this.#resolve();
    else this.#last.then(this.#resolve, this.#reject);
  }

  #arrived(bytes: Buffer): void {
    const end = this.#messages(bytes);
    if (end !== undefined) this.#giveBack(end);
    if (this.#filled < BLOCK_BYTES && end === undefined) return;
    if (this.#filled === 0) return;
    const block = this.#block.subarray(0, this.#filled);
    const rows = this.#rows;
    this.#filled = 0;
    this.#rows = 0;
    let waiting: Promise<void> | undefined;
    try {
      waiting = this.#take(block, rows);
    } catch (error) {
      this.#reject(error);
      return;
    }
    if (end !== undefined) this.#last = waiting;
    else if (waiting !== undefined) this.#waitFor(waiting);
  }

  #waitFor(waiting: Promise<void>): void {
    this.#stream?.pause();
    waiting.then(() => this.#stream?.resume(), this.#reject);
  }

  /** Takes what rows there are; returns what belongs to the driver, once it does. */
  #messages(bytes: Buffer): Buffer | undefined {
    this.#makeRoom(bytes.length);
    let at = 0;
    while (at < bytes.length) {
      if (this.#left === 0) {
        const begun = this.#begin(bytes, at);
        if (begun === undefined) return undefined;
        if (this.#code === COPY_DONE) return bytes.subarray(begun);
        if (this.#code !== COPY_DATA && !PASSED_OVER.has(this.#code)) {
          return Buffer.concat([this.#header, bytes.subarray(begun)]);
        }
        at = begun;
      }
      const after = Math.min(bytes.length, at + this.#left);
      this.#left -= after - at;
      if (this.#code === COPY_DATA) {
        this.#filled += bytes.copy(this.#block, this.#filled, at, after);
        if (this.#left === 0) this.#rows++;
      }
      at = after;
    }
    return undefined;
  }

  /** Reads a header; returns where it ends, or undefined when it has not come whole. */
  #begin(bytes: Buffer, at: number): number | undefined {
    const held = this.#header.length < HEADER_BYTES ? this.#header.length : 0;
    const after = at + HEADER_BYTES - held;
    if (held === 0 && after <= bytes.length) {
      // The common case makes nothing.
      this.#code = bytes[at]!;
      this.#left = bytes.readUInt32BE(at + 1) - 4;
      if (this.#code !== COPY_DATA) this.#header = Buffer.from(bytes.subarray(at, after));
      return after;
    }
    const had = held === 0 ? [] : [this.#header];
    this.#header = Buffer.concat([...had, bytes.subarray(at, after)]);
    if (this.#header.length < HEADER_BYTES) return undefined;
    this.#code = this.#header[0]!;
    this.#left = this.#header.readUInt32BE(1) - 4;
    return after;
  }

  #makeRoom(bytes: number): void {
    if (this.#block.length - this.#filled >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#block.length * 2, this.#filled + bytes));
    this.#block.copy(larger, 0, 0, this.#filled);
    this.#block = larger;
  }

  #giveBack(rest: Buffer | undefined): void {
    const [stream, listener] = [this.#stream, this.#drivers];
    this.#drivers = undefined;
    if (stream === undefined || listener === undefined) return;
    stream.off('data', this.#own);
    stream.on('data', listener);
    if (rest !== undefined && rest.length > 0) listener(rest);
  }
}
