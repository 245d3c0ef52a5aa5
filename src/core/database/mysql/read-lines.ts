import { DatabaseError } from '../error.ts';
import type { ColumnPlan } from './columns.ts';
import { LineEncoder } from './line-encoder.ts';
import { ServerRefusal, type Wire } from './wire.ts';

const BLOCK_BYTES = 256 * 1024;

/** Looks at the rows before they are taken, and may end the reading. */
export interface RowWatch {
  /** Whether the row that begins at `start` is taken; after the first that is not, no other is. */
  takes(bytes: Buffer, start: number): boolean;
  /** Called once when a row was not taken, to let the server stop. */
  stop(): Promise<void>;
}

/** Of a value that the server has cut, or left out: it says so by a warning alone. */
const VALUE_CUT = '1301';

/**
 * Reads rows as lines, in blocks of about 256 KiB.
 * @param write What it promises is awaited before the server may send more; then the block is used again.
 * @returns whether all rows were taken
 * @throws {DatabaseError} `read-failed` where a value is larger than the server gives out
 */
export async function readLines(
  wire: Wire,
  columns: readonly ColumnPlan[],
  select: string,
  write: (block: Buffer, rows: number) => Promise<void> | undefined,
  watch?: RowWatch,
): Promise<boolean> {
  const encoder = new LineEncoder(
    columns.map(({ form }) => form),
    BLOCK_BYTES * 2,
  );
  let writing: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let isOver = false as boolean;
  let rows = 0;
  const writeOut = () => {
    const ended = rows;
    rows = 0;
    return write(encoder.take(), ended);
  };
  let warnings = 0;
  try {
    warnings = await wire.rows(
      select,
      (bytes, start, end) => {
        if (watch !== undefined && (isOver ||= !watch.takes(bytes, start))) return;
        encoder.add(bytes, start, end);
        rows++;
      },
      () => {
        if (isOver) return stopping === undefined ? (stopping = watch?.stop()) : undefined;
        if (encoder.length < BLOCK_BYTES) return undefined;
        writing = writeOut();
        return writing;
      },
    );
  } catch (error) {
    // That the server stopped, as it was told to.
    if (!isOver || !(error instanceof ServerRefusal)) throw error;
  }
  await writing;
  // All may have come already: what is to stop the server would hit the next statement.
  await stopping;
  if (isOver) return false;
  if (warnings > 0) await refuseCut(wire);
  if (encoder.length > 0) await writeOut();
  return true;
}

/** MySQL reads a JSON value above its max_allowed_packet as an empty text. */
async function refuseCut(wire: Wire): Promise<void> {
  const cut = (await wire.query('SHOW WARNINGS')).find(([, number]) => number === VALUE_CUT);
  if (cut === undefined) return;
  throw new DatabaseError('read-failed', `The server gives out a value cut: ${cut[2] ?? ''}.`, {
    hint: 'Raise max_allowed_packet of the server, then try again.',
  });
}
