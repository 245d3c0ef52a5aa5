import type { Duplex } from 'node:stream';
import { framed, PacketCursor, PacketReader, type TakePacket } from './packets.ts';

/** A row of a small result, its values as text. */
export type Row = readonly (string | null)[];

/** A server’s refusal, with its number: 1045, 1062 … */
export class ServerRefusal extends Error {
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.number = number;
  }
}

/** The connection ended before the answer was complete. */
export class ConnectionLost extends Error {}

const COM_QUIT = 1;
const COM_QUERY = 3;
const OK = 0x00;
const LOCAL_INFILE = 0xfb;
const END = 0xfe;
const REFUSAL = 0xff;
const LONGEST_END = 9;
/** A server takes no packet above its max_allowed_packet, of data to load neither. */
const LOAD_PIECE_BYTES = 512 * 1024;

interface Answer {
  packet: TakePacket;
  /** After every piece that arrived; a promise stops reading until it is fulfilled. */
  pieceDone?: () => Promise<void> | undefined;
  fail: (error: Error) => void;
}

/**
 * Speaks the command phase of the protocol over the socket of a connection that has logged in: statements as bytes,
 * rows as raw packets, data to load as a stream. One statement at a time.
 */
export class Wire {
  readonly #socket: Duplex;
  readonly #reader = new PacketReader();
  #answer: Answer | undefined;
  #broken: Error | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#arrived(chunk);
    });
    socket.on('error', (error) => {
      this.#break(error);
    });
    socket.on('close', () => {
      this.#break(undefined);
    });
    socket.resume();
  }

  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /**
   * Runs a statement and returns its rows as text; for small results.
   * @throws {ServerRefusal} {ConnectionLost}
   */
  async query(statement: string | Buffer): Promise<readonly Row[]> {
    const rows: Row[] = [];
    await this.#run(statement, (bytes, start, columns) => {
      const cursor = new PacketCursor(bytes, start);
      rows.push(Array.from({ length: columns }, () => cursor.text()));
    });
    return rows;
  }

  /**
   * Runs a statement and hands out its rows as they come; returns how many warnings there were.
   * @param pieceDone called when all rows of what arrived are handed out; reading goes on when its promise is fulfilled
   */
  async rows(
    statement: string,
    take: (bytes: Buffer, start: number, end: number) => void,
    pieceDone: () => Promise<void> | undefined,
  ): Promise<number> {
    return this.#run(
      statement,
      (bytes, start, _columns, end) => {
        take(bytes, start, end);
      },
      { pieceDone },
    );
  }

  /**
   * Runs a LOAD DATA LOCAL INFILE and sends the content it asks for, whatever name it is asked by. When the source
   * fails, the connection is destroyed, so that the server loads nothing by halves.
   */
  async load(statement: string, content: AsyncIterable<Buffer>): Promise<void> {
    await this.#run(statement, undefined, { content });
  }

  /** Ends the connection in good order. */
  async close(): Promise<void> {
    if (this.#broken !== undefined || this.#answer !== undefined) {
      this.destroy();
      return;
    }
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.end(Buffer.from([1, 0, 0, 0, COM_QUIT]));
    const impatient = setTimeout(() => this.#socket.destroy(), 1000);
    await closed;
    clearTimeout(impatient);
  }

  /** Ends the connection now; a running statement fails. */
  destroy(): void {
    this.#break(undefined);
    this.#socket.destroy();
  }

  #run(
    statement: string | Buffer,
    row: ((bytes: Buffer, start: number, columns: number, end: number) => void) | undefined,
    {
      content,
      pieceDone,
    }: { content?: AsyncIterable<Buffer>; pieceDone?: () => Promise<void> | undefined } = {},
  ): Promise<number> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#answer !== undefined) return Promise.reject(new Error('A statement is still running.'));
    return new Promise((resolve, reject) => {
      const finish = (error?: Error, warnings = 0) => {
        this.#answer = undefined;
        if (error === undefined) resolve(warnings);
        else reject(error);
      };
      let columns = 0;
      let definitions = 0;
      let expected: 'header' | 'definitions' | 'rows' = 'header';
      this.#answer = {
        ...(pieceDone === undefined ? {} : { pieceDone }),
        fail: finish,
        packet: (bytes, start, end, sequence) => {
          const first = bytes[start]!;
          if (first === REFUSAL) finish(refusal(bytes, start, end));
          else if (expected === 'rows') {
            if (first === END && end - start < LONGEST_END) finish(undefined, bytes.readUInt16LE(start + 1));
            else row?.(bytes, start, columns, end);
          } else if (expected === 'definitions') {
            // The definitions, then one packet that ends them.
            if (definitions-- === 0) expected = 'rows';
          } else if (first === OK) finish();
          else if (first === LOCAL_INFILE) void this.#send(content, sequence + 1);
          else {
            columns = new PacketCursor(bytes, start).number() ?? 0;
            definitions = columns;
            expected = 'definitions';
          }
        },
      };
      const text = typeof statement === 'string' ? Buffer.from(statement) : statement;
      this.#write(Buffer.concat([Buffer.from([COM_QUERY]), text]), 0);
    });
  }

  /** Sends what a LOAD DATA asks for; without content, nothing: no server may fetch a file on its own. */
  async #send(content: AsyncIterable<Buffer> = none(), firstSequence: number): Promise<void> {
    let sequence = firstSequence;
    try {
      for await (const chunk of content) {
        for (let at = 0; at < chunk.length; at += LOAD_PIECE_BYTES) {
          // A refusal before all is sent leaves nobody who would read the rest.
          if (this.#answer === undefined) {
            this.destroy();
            return;
          }
          if (!this.#write(chunk.subarray(at, at + LOAD_PIECE_BYTES), sequence++)) await this.#drained();
        }
      }
      if (this.#broken === undefined) this.#write(Buffer.alloc(0), sequence);
    } catch (error) {
      this.#answer?.fail(error as Error);
      this.destroy();
    }
  }

  #write(payload: Buffer, sequence: number): boolean {
    this.#socket.cork();
    let mayGoOn = true;
    for (const piece of framed(payload, sequence)) if (piece.length > 0) mayGoOn = this.#socket.write(piece);
    this.#socket.uncork();
    return mayGoOn;
  }

  async #drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#broken !== undefined) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        this.#socket.off('drain', go).off('close', go);
        resolve();
      };
      this.#socket.on('drain', go).on('close', go);
    });
  }

  #arrived(chunk: Buffer): void {
    const answer = this.#answer;
    if (answer === undefined) {
      // A server that shuts down says so unasked.
      this.#break(undefined);
      this.#socket.destroy();
      return;
    }
    let waiting: Promise<void> | undefined;
    try {
      this.#reader.read(chunk, answer.packet);
      waiting = answer.pieceDone?.();
    } catch (error) {
      answer.fail(error as Error);
      this.destroy();
      return;
    }
    if (waiting === undefined) return;
    this.#socket.pause();
    waiting.then(
      () => this.#socket.resume(),
      (error: unknown) => {
        this.#answer?.fail(error as Error);
        this.destroy();
      },
    );
  }

  #break(cause: Error | undefined): void {
    this.#broken ??= new ConnectionLost('The server ended the connection.', { cause });
    this.#answer?.fail(this.#broken);
  }
}

async function* none(): AsyncGenerator<Buffer> {
  // Nothing to send.
}

function refusal(bytes: Buffer, start: number, end: number): ServerRefusal {
  const number = bytes.readUInt16LE(start + 1);
  const text = bytes.toString('utf8', start + 3, end).replace(/^#[0-9A-Z]{5}/, '');
  return new ServerRefusal(number, text);
}
