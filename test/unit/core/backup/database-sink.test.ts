import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDatabaseBase } from '../../../../src/core/backup/database-base.ts';
import { DatabaseSink, type StoredDatabase } from '../../../../src/core/backup/database-sink.ts';
import type { DatabaseInfo, TableHead } from '../../../../src/core/database/engine.ts';
import { openDumpSource } from '../../../../src/core/restore/database-source.ts';
import type { Task } from '../../../../src/core/task.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { ChunkWriter } from '../../../../src/core/vault/writer.ts';
import { WorkerPool } from '../../../../src/core/worker/pool.ts';
import { buildVault, type BuiltVault, storeBackup } from '../../../build/vault.ts';

let built: BuiltVault;
beforeEach(async () => {
  built = await buildVault();
});
afterEach(async () => built[Symbol.asyncDispose]());

const INFO: DatabaseInfo = {
  engine: 'test',
  product: 'Test 1.0',
  database: 'crm',
  charset: 'UTF-8',
  collation: undefined,
  objects: { table: 1 },
  details: {},
};

interface Dumped {
  readonly record: BackupRecord;
  readonly stored: StoredDatabase;
  /** Bytes the vault took for it. */
  readonly storedBytes: number;
}

function headOf(name: string, key: readonly number[] = [0]): TableHead {
  return {
    schema: 'public',
    name,
    columns: [
      { name: 'id', type: 'integer', sorts: 'number' },
      { name: 'value', type: 'text' },
    ],
    key,
  };
}

/** Dumps into the vault as a backup does. */
async function dump(
  work: (sink: DatabaseSink, task: Task) => Promise<void>,
  base?: BackupRecord,
): Promise<Dumped> {
  const { vault } = built;
  vault.forgetIndex();
  const { index } = await vault.writableIndex();
  await using pool = new WorkerPool(1);
  const writer = new ChunkWriter(vault, index, pool, { selfContained: base === undefined, dryRun: false });
  const baseSegment = base?.manifest.find(({ root }) => root === 'databases/crm');
  const sink = new DatabaseSink({
    root: 'databases/crm',
    writer,
    chunker: vault.chunker,
    rowSeed: 42,
    base: await readDatabaseBase(baseSegment, async (id) => vault.reader.readChunk(id, index)),
    baseSegment,
    startedAtNs: BigInt(Date.now()) * 1_000_000n,
    report: () => undefined,
    passed: () => undefined,
  });
  await work(sink, {});
  const stored = sink.finish(INFO);
  await writer.finish();
  // A record that names the dump's part of the manifest.
  const some = await storeBackup(vault, {}, base === undefined ? {} : { base: undefined });
  const { id: _id, verifiedAt: _at, ...content } = some;
  const record = await vault.commit({ ...content, manifest: [stored.segment] });
  vault.forgetIndex();
  return { record, stored, storedBytes: writer.written.stored };
}

async function writeTable(
  sink: DatabaseSink,
  head: TableHead,
  rows: Buffer,
  blockBytes = 50_000,
): Promise<void> {
  const table = sink.table(head);
  const block = Buffer.alloc(blockBytes);
  for (let at = 0; at < rows.length; at += blockBytes) {
    // The same memory again and again, as engines do it.
    const length = rows.copy(block, 0, at);
    await table.write(block.subarray(0, length));
    block.fill(0);
  }
  await table.finish();
}

async function contentOf(record: BackupRecord, path: string): Promise<Buffer> {
  const source = await openDumpSource(built.vault, record, 'crm');
  const parts: Buffer[] = [];
  for await (const part of source.read(path)) parts.push(part);
  return Buffer.concat(parts);
}

/** Rows that compress about as well as those of a CRM. */
function rowsOf(count: number, change: (id: number) => string = () => ''): Buffer {
  const rows: string[] = [];
  for (let id = 1; id <= count; id++) {
    const mixed = Math.imul(id, 0x9e3779b1) >>> 0;
    rows.push(
      `${id}\t${mixed.toString(36)} Street ${mixed % 977}\t${(mixed * 7919) >>> 0}\tcustomer${change(id)}\n`,
    );
  }
  return Buffer.from(rows.join(''));
}

describe('a dump', () => {
  it('may begin a table anew', async () => {
    const { record, stored } = await dump(async (sink) => {
      const begun = sink.table(headOf('contact'));
      await begun.write(rowsOf(5000, () => ' in another order'));
      begun.abandon();
      await writeTable(sink, headOf('contact'), rowsOf(3000));
    });
    expect(stored.tally.total).toBe(1);
    expect((await contentOf(record, 'tables/public.contact')).equals(rowsOf(3000))).toBe(true);
  });

  it('comes back as it was written', async () => {
    const tables = fc.dictionary(
      fc.stringMatching(/^[a-z ./%]{1,12}$/),
      fc.tuple(fc.nat(6000), fc.integer({ min: 100, max: 200_000 })),
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(tables, fc.uint8Array({ maxLength: 200_000 }), async (wanted, stream) => {
        const { record, stored } = await dump(async (sink) => {
          sink.object('schema/all.sql', 'CREATE TABLE …');
          await Promise.all(
            Object.entries(wanted).map(async ([name, [rows, blockBytes]]) =>
              writeTable(sink, headOf(name), rowsOf(rows), blockBytes),
            ),
          );
          for (const cut of ['blocks', 'content'] as const) {
            const out = sink.stream(`stream-${cut}`, cut);
            await out.write(Buffer.from(stream));
            await out.finish();
          }
        });
        expect(stored.tally.total).toBe(Object.keys(wanted).length);
        const source = await openDumpSource(built.vault, record, 'crm');
        expect(source.info).toEqual(INFO);
        expect(source.objects.map(({ path }) => path)).toEqual([
          'schema/all.sql',
          'stream-blocks',
          'stream-content',
        ]);
        for (const { name, path, rows, bytes } of source.tables) {
          const [count] = wanted[name]!;
          const content = await contentOf(record, path);
          expect(content.equals(rowsOf(count))).toBe(true);
          expect([rows, bytes]).toEqual([count, content.length]);
        }
        for (const cut of ['blocks', 'content']) {
          expect((await contentOf(record, `stream-${cut}`)).equals(Buffer.from(stream))).toBe(true);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('stores about what has changed, not the table again', async () => {
    const count = 60_000;
    const first = await dump(async (sink) => writeTable(sink, headOf('customer'), rowsOf(count)));
    // Every two hundredth row, all over the table: nearly every chunk is another one.
    const changed = rowsOf(count, (id) => (id % 200 === 0 ? `, moved to ${(id * 31) % 1009}` : ''));
    const second = await dump(async (sink) => writeTable(sink, headOf('customer'), changed), first.record);
    expect(second.stored.tally).toMatchObject({ total: 1, modified: 1 });
    expect(second.storedBytes).toBeLessThan(first.storedBytes * 0.03);
    const path = 'tables/public.customer';
    expect((await contentOf(second.record, path)).equals(changed)).toBe(true);
    // Rows that are inserted and deleted, too.
    const moved = Buffer.concat([
      Buffer.from('-1\tnew\n'),
      changed.subarray(changed.indexOf('\n', 100_000) + 1, changed.indexOf('\n', 2_000_000) + 1),
      Buffer.from('27\t\\N\n'),
      changed.subarray(changed.indexOf('\n', 2_000_100) + 1),
    ]);
    const third = await dump(async (sink) => writeTable(sink, headOf('customer'), moved), second.record);
    // Where rows are gone, the cuts behind them find their old places after a few chunks.
    expect(third.storedBytes).toBeLessThan(first.storedBytes * 0.1);
    expect((await contentOf(third.record, path)).equals(moved)).toBe(true);
    const again = await dump(async (sink) => writeTable(sink, headOf('customer'), moved), third.record);
    expect(again.stored.tally).toMatchObject({ total: 1, unchanged: 1 });
    expect(again.storedBytes).toBeLessThan(2000);
  });

  it('stores little of rows that have become shorter, so that the cuts are elsewhere', async () => {
    const note = (id: number) => (Math.imul(id, 0x85ebca6b) >>> 0).toString(36).repeat(12);
    const rows = (isShort: (id: number) => boolean) =>
      rowsOf(40_000, (id) => (isShort(id) ? ' cut' : note(id)));
    const first = await dump(async (sink) =>
      writeTable(
        sink,
        headOf('note'),
        rows(() => false),
      ),
    );
    const cut = rows((id) => id % 200 === 37);
    const second = await dump(async (sink) => writeTable(sink, headOf('note'), cut), first.record);
    expect(second.storedBytes).toBeLessThan(first.storedBytes * 0.036);
    expect((await contentOf(second.record, 'tables/public.note')).equals(cut)).toBe(true);
  });

  it('stores little of a changed table without a key, and of pages that changed', async () => {
    const pages = Buffer.from(rowsOf(30_000));
    const work =
      (rows: Buffer, file: Buffer) =>
      async (sink: DatabaseSink): Promise<void> => {
        await writeTable(sink, headOf('log', []), rows);
        const stream = sink.stream('file', 'blocks');
        await stream.write(file);
        await stream.finish();
      };
    const first = await dump(work(rowsOf(30_000), pages));
    const other = Buffer.from(pages);
    for (let at = 1000; at < other.length; at += 50_000) other.write('changed', at);
    const appended = Buffer.concat([
      rowsOf(30_000, (id) => (id % 500 === 0 ? '!' : '')),
      Buffer.from('x\ty\n'),
    ]);
    const second = await dump(work(appended, other), first.record);
    expect(second.storedBytes).toBeLessThan(first.storedBytes * 0.03);
    expect((await contentOf(second.record, 'file')).equals(other)).toBe(true);
    expect((await contentOf(second.record, 'tables/public.log')).equals(appended)).toBe(true);
  });

  it('tells tables that came, went, changed their rows or only their columns', async () => {
    const rows = rowsOf(50);
    const first = await dump(async (sink) => {
      for (const name of ['same', 'rows', 'columns', 'gone']) await writeTable(sink, headOf(name), rows);
    });
    const head = headOf('columns');
    const columns = head.columns.map((column) => ({ ...column, type: 'bigint' }));
    const second = await dump(async (sink) => {
      await writeTable(sink, headOf('same'), rows);
      await writeTable(sink, headOf('rows'), rowsOf(51));
      await writeTable(sink, { ...head, columns }, rows);
      await writeTable(sink, headOf('fresh'), rows);
    }, first.record);
    expect(second.stored.tally).toMatchObject({ total: 4, added: 1, modified: 2, deleted: 1, unchanged: 1 });
  });

  it('must name each path once, and end what it began', async () => {
    const twice = dump(async (sink) => {
      sink.object('schema.sql', '1');
      sink.object('schema.sql', '2');
      return Promise.resolve();
    });
    await expect(twice).rejects.toThrow(RangeError);
    const open = dump(async (sink) => {
      sink.table(headOf('open'));
      return Promise.resolve();
    });
    await expect(open).rejects.toThrow(RangeError);
  });
});
