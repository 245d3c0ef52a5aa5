import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import type { Session } from './session.ts';

/** Blocks smaller than this are gathered, so that each step costs little beside its bytes. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Runs `COPY … TO STDOUT` and hands its bytes on as they come.
 * @param write what it promises is awaited before the next block
 * @throws {DatabaseError} telling what was being done; afterwards the session is of no use.
 */
export async function copyOut(
  session: Session,
  sql: string,
  write: (block: Buffer) => Promise<void> | undefined,
  doing: string,
): Promise<void> {
  const stream = session.client.query(copyTo(sql, { highWaterMark: BLOCK_BYTES }));
  let sinkFailure: unknown;
  try {
    for await (const block of stream as AsyncIterable<Buffer>) {
      try {
        await write(block);
      } catch (error) {
        sinkFailure = error;
        throw error;
      }
    }
  } catch (error) {
    if (error === sinkFailure) {
      session.abort();
      throw error;
    }
    throw session.server.failures.of(error, doing);
  }
}

/**
 * Runs `COPY … FROM STDIN` with the bytes of a backup.
 * @throws {DatabaseError} telling what was being done; what the blocks themselves throw.
 */
export async function copyIn(
  session: Session,
  sql: string,
  blocks: AsyncIterable<Buffer>,
  doing: string,
): Promise<void> {
  let sourceFailure: unknown;
  async function* watched() {
    try {
      yield* blocks;
    } catch (error) {
      sourceFailure = error;
      throw error;
    }
  }
  try {
    await pipeline(watched(), session.client.query(copyFrom(sql)));
  } catch (error) {
    if (sourceFailure instanceof Error) throw sourceFailure;
    throw session.server.failures.of(error, doing, 'write-failed');
  }
}
