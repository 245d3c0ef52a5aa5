import { setImmediate as turn } from 'node:timers/promises';
import { hashBytes, mixed } from '../database/row-hash.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { RowLayout } from './rows-layout.ts';
import { fieldsOf } from '../database/line.ts';
import { lineOf } from './rows-merge.ts';
import type { RowReader } from './rows-reader.ts';

/** So many bytes of rows are held against each other at once; of larger tables it takes several passes. */
const PASS_BYTES = 48 * 1024 * 1024;
const SEED = 0x811c9dc5;
const ROWS_A_TURN = 4096;

/** A row that one side has more often than the other. */
export interface UnpairedRow {
  readonly change: 'added' | 'deleted';
  /** Without its line feed; the consumer’s own. */
  readonly line: Buffer;
}

/** What a comparison without a key reads. */
export interface MultisetInput {
  readonly layout: RowLayout;
  /** Readers at the beginning of what is to be compared, as many times as it is asked for. */
  readonly before: () => RowReader;
  readonly after: () => RowReader;
  /** About how many bytes both have. */
  readonly bytes: number;
}

/**
 * Compares rows without a key, whatever their order: those that are there more often after come as `added`, the others
 * as `deleted`. Of a table whose structure changed the columns count that both sides have.
 * @throws {CancelledError}
 */
export async function* compareMultisets(
  { layout, before, after, bytes }: MultisetInput,
  task: Task,
): AsyncGenerator<UnpairedRow> {
  const passes = Math.max(1, Math.ceil(bytes / PASS_BYTES));
  for (let pass = 0; pass < passes; pass++) {
    const isOfPass = (content: Buffer): boolean =>
      passes === 1 || mixed(hashBytes(content, 0, content.length, SEED)) % passes === pass;
    /** Lines of before that are left, by what of them is compared. */
    const left = new Map<string, string[]>();
    for await (const line of linesOf(before(), task)) {
      const content = comparedPart(line, layout, 'before');
      if (!isOfPass(content)) continue;
      const text = content.toString('latin1');
      const own = layout.isSame ? text : line.toString('latin1');
      const lines = left.get(text);
      if (lines === undefined) left.set(text, [own]);
      else lines.push(own);
    }
    for await (const line of linesOf(after(), task)) {
      const content = comparedPart(line, layout, 'after');
      if (!isOfPass(content)) continue;
      if (left.get(content.toString('latin1'))?.pop() === undefined)
        yield { change: 'added', line: Buffer.from(line) };
    }
    for (const lines of left.values())
      for (const line of lines) yield { change: 'deleted', line: Buffer.from(line, 'latin1') };
  }
}

async function* linesOf(reader: RowReader, task: Task): AsyncGenerator<Buffer> {
  for (let rows = 1; ; rows++) {
    if (reader.needsLoad) await reader.load();
    if (reader.at === reader.bytes.length) {
      if (reader.isDone) return;
      continue;
    }
    if (rows % ROWS_A_TURN === 0) await turn();
    throwIfCancelled(task);
    yield lineOf(reader);
    reader.at = reader.lineEnd;
  }
}

/** The fields of a line that both sides have, in one order. */
function comparedPart(line: Buffer, layout: RowLayout, side: 'before' | 'after'): Buffer {
  if (layout.isSame) return line;
  const fields = fieldsOf(line);
  const parts = layout.columns.flatMap(({ before, after }) => {
    if (before === undefined || after === undefined) return [];
    return [fields[side === 'before' ? before : after] ?? NULL, TAB];
  });
  return Buffer.concat(parts);
}

const TAB = Buffer.from('\t');
const NULL = Buffer.from('\\N');
