import { createHash } from 'node:crypto';
import type { DumpedColumn } from '../../src/core/database/engine.ts';
import { RowChunker } from '../../src/core/database/row-chunks.ts';
import { TableChecksum } from '../../src/core/database/table-checksum.ts';
import type { DatabaseSide } from '../../src/core/compare/rows-side.ts';

/** A table by its columns, its key and its lines, which have to be in the order of the key. */
export interface WrittenTable {
  readonly columns: readonly DumpedColumn[];
  readonly key: readonly number[];
  /** Without line feeds. */
  readonly lines: readonly string[];
}

/** How often chunks were read. */
export interface ReadCounter {
  reads: number;
}

/** A database with one table `t`, cut into row chunks as the vault cuts them. */
export function memorySide(
  { columns, key, lines }: WrittenTable,
  counter: ReadCounter = { reads: 0 },
): DatabaseSide {
  const store = new Map<string, Buffer>();
  const ids: Buffer[] = [];
  const checksum = new TableChecksum(key);
  const chunker = new RowChunker(key, 4711, (chunk) => {
    const id = createHash('sha256').update(chunk).digest();
    store.set(id.toString('hex'), Buffer.from(chunk));
    ids.push(id);
  });
  for (const line of lines) {
    const bytes = Buffer.from(`${line}\n`);
    chunker.write(bytes);
    checksum.update(bytes);
  }
  chunker.finish();
  const path = 'tables/public.t';
  const { rows, checksum: sum } = checksum.value;
  const table = { schema: 'public', name: 't', columns, key, rows, checksum: sum };
  return {
    name: 'crm',
    info: {
      engine: 'postgresql',
      product: 'PostgreSQL 15.18',
      database: 'crm',
      charset: 'UTF8',
      collation: 'C',
      objects: {},
      details: {},
    },
    tables: new Map([[path, { path, table, chunks: Buffer.concat(ids) }]]),
    objects: new Set(),
    streams: new Set(),
    rows: {
      read: async (id) => {
        counter.reads++;
        return Promise.resolve(store.get(id.toString('hex'))!);
      },
      bytesOf: (list, at) => store.get(list.toString('hex', at, at + 32))?.length ?? 0,
    },
    read: () => {
      throw new Error('there are only rows');
    },
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}
