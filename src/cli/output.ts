import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { CrmBackupError, systemCode } from '../core/errors.ts';

/** What was printed did not get where it was to go. */
class OutputError extends CrmBackupError<'no-space' | 'output-failed'> {}

/**
 * A stream of the process that is written to in order. A reader who goes away (`crm-backup list | head -1`) is no
 * failure: from then on what is written is dropped. So it is after a failure.
 */
export class Output {
  readonly #stream: Writable;
  readonly #file: number | undefined;
  #closed = false;

  /** @param stream With `fd`, if it is one of the process's own. */
  constructor(stream: Writable & { readonly fd?: number; readonly isTTY?: boolean }) {
    this.#stream = stream;
    this.#file = stream.isTTY !== true && isFile(stream.fd) ? stream.fd : undefined;
    // Without a listener the error would end the process; write() learns of it by its own callback.
    stream.on('error', () => undefined);
  }

  /** Whether nobody reads any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes and waits until the stream has taken it.
   * @throws {OutputError} the first time that it cannot be written.
   */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.#closed || data.length === 0) return;
    try {
      if (this.#file === undefined) await this.#send(data);
      else writeAll(this.#file, typeof data === 'string' ? Buffer.from(data) : data);
    } catch (error) {
      this.#closed = true;
      if (!readerIsGone(error)) throw failureOf(error);
    }
  }

  async #send(data: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(data, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
}

/** What Node writes to by a stream that takes a write cut short, as a disk cuts it that gets full, for a whole one. */
function isFile(fd: number | undefined): fd is number {
  if (fd === undefined) return false;
  const stats = fstatSync(fd);
  return stats.isFile() || stats.isCharacterDevice();
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

function readerIsGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'EOF';
}

function failureOf(error: unknown): OutputError {
  const code = systemCode(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const why = isFull
    ? 'the disk is full'
    : code === 'EFBIG'
      ? 'the file may not get any larger'
      : `the system says ${code ?? String(error)}`;
  const next = isFull ? 'Free some space there' : 'Let it go somewhere else';
  return new OutputError(isFull ? 'no-space' : 'output-failed', `The output could not be written: ${why}.`, {
    cause: error,
    hint: `Only what was printed is cut off. ${next} before you run the command again.`,
  });
}
