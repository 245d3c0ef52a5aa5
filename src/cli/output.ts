import type { Writable } from 'node:stream';
import { systemCode } from '../core/errors.ts';

/**
 * A stream of the process that is written to in order. A reader who goes away (`crm-backup list | head -1`) is no
 * failure: from then on what is written is dropped.
 */
export class Output {
  readonly #stream: Writable;
  #closed = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Without a listener the error would end the process; write() learns of it by its own callback.
    stream.on('error', () => undefined);
  }

  /** Whether nobody reads any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Writes and waits until the stream has taken it. */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.#closed || data.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(data, (error) => {
        if (error === undefined || error === null) resolve();
        else if (readerIsGone(error)) {
          this.#closed = true;
          resolve();
        } else reject(error);
      });
    });
  }
}

function readerIsGone(error: Error): boolean {
  const code = systemCode(error);
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'EOF';
}
