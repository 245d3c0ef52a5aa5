import { setImmediate as turn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { DatabaseError } from '../database/error.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { pairColumns, type RowLayout } from './rows-layout.ts';
import { type Field, fieldsOf } from '../database/line.ts';
import { lineOf, type RowChangeKind, RowMerge } from './rows-merge.ts';
import { compareMultisets } from './rows-multiset.ts';
import { RowPlaces } from './rows-places.ts';
import { type RowPosition, RowReader } from './rows-reader.ts';
import { type DatabaseSide, type DistinctChunks, dropCommonChunks, type TableSide } from './rows-side.ts';

/** How many rows of a table came, changed and went. */
export interface RowCounts {
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
}

/** A row that differs, with its values as they stand in the backup; a side without it has none. */
export interface RowChange {
  readonly change: RowChangeKind;
  readonly before: readonly Field[] | undefined;
  readonly after: readonly Field[] | undefined;
  /** Where the comparison goes on behind it; asked for once a page. */
  readonly next: () => string;
}

/** A place to begin at, and how many of the rows that differ come before it. */
export interface RowPlace {
  readonly from: string | undefined;
  readonly row: number;
}

/** Two versions of a table. */
export interface TableComparison {
  readonly path: string;
  readonly before: TableSide | undefined;
  readonly after: TableSide | undefined;
  readonly layout: RowLayout;
  /** Whether going on from a place costs no more than the rows behind it. */
  readonly isSeekable: boolean;
  /**
   * Finds a place shortly before a row by its number, where that needs no look at the rows before; else undefined.
   * @throws as {@link counts}
   */
  readonly locate: ((row: number, task: Task) => Promise<RowPlace>) | undefined;
  /** @throws {VaultError} `damaged`, `missing-chunk`; {DatabaseError}; {CancelledError} */
  counts(task: Task): Promise<RowCounts>;
  /**
   * The rows that differ, in the order of the key.
   * @param from where to begin: what `next` said of the row before
   * @throws as {@link counts}, and {DatabaseError} `changed-while-reading` for a place of another comparison
   */
  changes(from: string | undefined, task: Task): AsyncGenerator<RowChange>;
}

const STEPS_A_TURN = 64;
const NOTHING = Buffer.alloc(0);

/** Compares two versions of a table whose rows are lines in chunks. One of the two must be there. */
export function compareLines(
  path: string,
  databases: { readonly before: DatabaseSide | undefined; readonly after: DatabaseSide | undefined },
): TableComparison {
  return new LineComparison(path, databases.before, databases.after);
}

class LineComparison implements TableComparison {
  readonly path: string;
  readonly before: TableSide | undefined;
  readonly after: TableSide | undefined;
  readonly layout: RowLayout;
  readonly locate: TableComparison['locate'];
  readonly #databases: {
    readonly before: DatabaseSide | undefined;
    readonly after: DatabaseSide | undefined;
  };
  #distinct: DistinctChunks | undefined;
  #checksum: number | undefined;

  constructor(path: string, before: DatabaseSide | undefined, after: DatabaseSide | undefined) {
    this.path = path;
    this.#databases = { before, after };
    this.before = before?.tables.get(path);
    this.after = after?.tables.get(path);
    this.layout = pairColumns(this.before?.table, this.after?.table);
    this.locate = this.#locator();
  }

  get isSeekable(): boolean {
    return this.#isKeyed;
  }

  async counts(task: Task): Promise<RowCounts> {
    const { before, after } = this;
    if (before === undefined || after === undefined) {
      return { added: after?.table.rows ?? 0, changed: 0, deleted: before?.table.rows ?? 0 };
    }
    const counts = { added: 0, changed: 0, deleted: 0 };
    if (this.#isKeyed) {
      const { merge, readers } = this.#merge(undefined);
      for await (const kind of seekAll(merge, readers, task)) counts[kind]++;
    } else {
      for await (const { change } of this.#unpaired(task)) counts[change]++;
    }
    return counts;
  }

  async *changes(from: string | undefined, task: Task): AsyncGenerator<RowChange> {
    if (!this.#isKeyed) {
      yield* this.#unpairedFrom(from, task);
      return;
    }
    const { merge, readers } = this.#merge(from);
    const [before, after] = readers;
    const lineFields = (reader: RowReader): Field[] => fieldsOf(Buffer.from(lineOf(reader)));
    for await (const change of seekAll(merge, readers, task)) {
      const olds = change === 'added' ? undefined : lineFields(before);
      const news = change === 'deleted' ? undefined : lineFields(after);
      const places = behind(readers, change);
      yield { change, before: olds, after: news, next: () => `${this.#moment}.${placeText(places)}` };
    }
  }

  /** Where there is only one version, all of its rows differ, and chunks tell where they are. */
  #locator(): TableComparison['locate'] {
    const side = this.before === undefined ? 'after' : 'before';
    if (this.before !== undefined && this.after !== undefined) return undefined;
    let known: RowPlaces | undefined;
    return async (number, task) => {
      const { chunks, rows } = this.#input(side);
      known ??= new RowPlaces(chunks, rows, this[side]?.table.rows ?? 0);
      const { chunk, row } = await known.find(number, task);
      const nowhere = { chunk: 0, offset: 0 };
      const places = { before: nowhere, after: nowhere, [side]: { chunk, offset: 0 } };
      return { from: `${this.#moment}.${placeText(places)}`, row };
    };
  }

  get #isKeyed(): boolean {
    return this.layout.key.length > 0 || this.before === undefined || this.after === undefined;
  }

  get #chunks(): DistinctChunks {
    if (this.#distinct !== undefined) return this.#distinct;
    const [before, after] = [this.#input('before'), this.#input('after')];
    // Equal bytes are equal rows only where they are of the same columns.
    this.#distinct = this.layout.isSame
      ? dropCommonChunks(before, after)
      : { before: before.chunks, after: after.chunks };
    return this.#distinct;
  }

  /** What tells whether a place is one of this comparison: what is live may be something else by now. */
  get #moment(): number {
    return (this.#checksum ??= crc32(this.#chunks.after, crc32(this.#chunks.before)));
  }

  #input(side: 'before' | 'after'): Parameters<typeof dropCommonChunks>[0] {
    const rows = (this.#databases[side] ?? this.#databases.before ?? this.#databases.after)!.rows;
    return { chunks: this[side]?.chunks ?? NOTHING, rows };
  }

  #reader(side: 'before' | 'after', from: RowPosition = { chunk: 0, offset: 0 }): RowReader {
    const { rows } = this.#input(side);
    return new RowReader(
      this.#chunks[side],
      async (id) => rows.read(id),
      from,
      (ids) => rows.ahead?.(ids),
    );
  }

  #merge(from: string | undefined): { merge: RowMerge; readers: readonly [RowReader, RowReader] } {
    const places = from === undefined ? undefined : parsePlace(from, this.#moment);
    const before = this.#reader('before', places?.before);
    const after = this.#reader('after', places?.after);
    return { merge: new RowMerge(before, after, this.layout), readers: [before, after] };
  }

  #unpaired(task: Task): ReturnType<typeof compareMultisets> {
    let bytes = 0;
    for (const side of ['before', 'after'] as const) {
      const chunks = this.#chunks[side];
      const { rows } = this.#input(side);
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) bytes += rows.bytesOf(chunks, at);
    }
    const before = (): RowReader => this.#reader('before');
    const after = (): RowReader => this.#reader('after');
    return compareMultisets({ layout: this.layout, before, after, bytes }, task);
  }

  async *#unpairedFrom(from: string | undefined, task: Task): AsyncGenerator<RowChange> {
    const skipped = from === undefined ? 0 : Number(/^(\d+)$/.exec(from)?.[1] ?? NaN);
    if (Number.isNaN(skipped)) throw unknownPlace();
    let number = 0;
    for await (const { change, line } of this.#unpaired(task)) {
      if (++number <= skipped) continue;
      const fields = fieldsOf(line);
      const [before, after] = change === 'added' ? [undefined, fields] : [fields, undefined];
      const place = String(number);
      yield { change, before, after, next: () => place };
    }
  }
}

/** Stands on every row that differs, one after the other. */
async function* seekAll(
  merge: RowMerge,
  readers: readonly [RowReader, RowReader],
  task: Task,
): AsyncGenerator<RowChangeKind> {
  for (let step = 1; ;) {
    const found = merge.seek();
    if (found === 'end') return;
    if (found === 'load') {
      throwIfCancelled(task);
      if (step++ % STEPS_A_TURN === 0) await turn();
      for (const reader of readers) if (reader.needsLoad) await reader.load();
      continue;
    }
    yield found;
    merge.pass(found);
  }
}

interface Places {
  readonly before: RowPosition;
  readonly after: RowPosition;
}

/** Where both sides stand behind a row that differs. */
function behind([before, after]: readonly [RowReader, RowReader], change: RowChangeKind): Places {
  return { before: nextOf(before, change !== 'added'), after: nextOf(after, change !== 'deleted') };
}

function nextOf(reader: RowReader, isPassed: boolean): RowPosition {
  const { chunk, offset } = reader.position;
  return isPassed ? { chunk, offset: offset + reader.lineEnd - reader.at } : { chunk, offset };
}

function placeText({ before, after }: Places): string {
  return [before.chunk, before.offset, after.chunk, after.offset].join('.');
}

function parsePlace(text: string, moment: number): Places {
  const numbers = /^\d+(?:\.\d+){4}$/.test(text) ? text.split('.').map(Number) : undefined;
  if (numbers === undefined) throw unknownPlace();
  const [of, ...places] = numbers;
  if (of !== moment) throw unknownPlace();
  const [chunkBefore, offsetBefore, chunkAfter, offsetAfter] = places as [number, number, number, number];
  return {
    before: { chunk: chunkBefore, offset: offsetBefore },
    after: { chunk: chunkAfter, offset: offsetAfter },
  };
}

/** Why a comparison cannot go on from a place: it is none, or one of a comparison with what was live before. */
export function unknownPlace(): DatabaseError {
  return new DatabaseError(
    'changed-while-reading',
    'The rows have changed since the ones before were read.',
    {
      hint: 'Compare again.',
    },
  );
}
