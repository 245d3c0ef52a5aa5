import { from as copyFrom } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { CopyReader, type TakeRows } from './copy-reader.ts';
import type { Session } from './session.ts';

/**
 * Runs `COPY … TO STDOUT` and hands its bytes on as they come.
 * @param take what it promises is awaited before the next block
 * @throws {DatabaseError} telling what was being done; what `take` throws, and then the session is of no use.
 */
export async function copyOut(session: Session, sql: string, take: TakeRows, doing: string): Promise<void> {
  let sinkFailure: unknown;
  const noted = (error: unknown): never => {
    sinkFailure = error;
    throw error;
  };
  const reader = session.client.query(
    new CopyReader(sql, (block, rows) => {
      try {
        return take(block, rows)?.catch(noted);
      } catch (error) {
        return noted(error);
      }
    }),
  );
  try {
    await reader.done;
  } catch (error) {
    if (error !== sinkFailure) throw session.server.failures.of(error, doing);
    session.abort();
    throw error;
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
