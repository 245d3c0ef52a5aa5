import type { TablePlan } from './table-plan.ts';
import { LineEncoder } from './line-encoder.ts';
import type { Wire } from './wire.ts';

const BLOCK_BYTES = 256 * 1024;

/**
 * Reads a table as lines, in blocks of about 256 KiB.
 * @param write What it promises is awaited before the server may send more; then the block is used again.
 */
export async function readLines(
  wire: Wire,
  { columns, select }: Pick<TablePlan, 'columns' | 'select'>,
  write: (block: Buffer, rows: number) => Promise<void> | undefined,
): Promise<void> {
  const encoder = new LineEncoder(
    columns.map(({ form }) => form),
    BLOCK_BYTES * 2,
  );
  let writing: Promise<void> | undefined;
  let rows = 0;
  const writeOut = () => {
    const ended = rows;
    rows = 0;
    return write(encoder.take(), ended);
  };
  await wire.rows(
    select,
    (bytes, start, end) => {
      encoder.add(bytes, start, end);
      rows++;
    },
    () => {
      if (encoder.length < BLOCK_BYTES) return undefined;
      writing = writeOut();
      return writing;
    },
  );
  await writing;
  if (encoder.length > 0) await writeOut();
}
