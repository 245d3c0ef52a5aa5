import { describe, expect, it } from 'vitest';
import { type ComparedDatabase, compareTable } from '../../../../src/core/compare/rows.ts';
import { RowListing } from '../../../../src/core/compare/rows-listing.ts';
import type { RowFilter, ShownRow } from '../../../../src/core/compare/rows-shown.ts';
import { memorySide, type ReadCounter, type WrittenTable } from '../../../build/memory-side.ts';

const PATH = 'tables/public.t';
const KINDS = ['added', 'changed', 'deleted'] as const;
const COLUMNS = [
  { name: 'id', type: 'integer', sorts: 'number' as const },
  { name: 'name', type: 'text' },
];

function compared(
  before: WrittenTable | undefined,
  after: WrittenTable,
  counter?: ReadCounter,
): ComparedDatabase {
  return {
    name: 'crm',
    before: before && memorySide(before, counter),
    after: memorySide(after, counter),
    sqlite: async () => Promise.reject(new Error('there are no pages')),
  };
}

function table(names: readonly (string | undefined)[], key: readonly number[] = [0]): WrittenTable {
  const lines = names.flatMap((name, id) => (name === undefined ? [] : [`${id}\t${name}`]));
  return { columns: COLUMNS, key, lines };
}

function listing(database: ComparedDatabase, filter: RowFilter = {}): RowListing {
  return new RowListing(database, compareTable(database, PATH), filter);
}

async function window(rows: RowListing, start: number, limit: number): Promise<ShownRow[]> {
  return rows.rows({ start, limit, mostCharacters: Infinity, forMs: 60_000 }, {});
}

/** Two versions with changes of all kinds, now and then in a row that is longer than a chunk. */
function versions(count: number, key: readonly number[]): [WrittenTable, WrittenTable] {
  const before = Array.from(
    { length: count },
    (_, id) => `name ${id % 97} ${'x'.repeat(id % 5000 === 7 ? 150_000 : 40)}`,
  );
  const after = before.map((name, id) => (id % 13 === 0 ? undefined : id % 7 === 0 ? `${name} Neu` : name));
  return [
    table(
      before.map((name, id) => (id % 11 === 0 ? undefined : name)),
      key,
    ),
    table(after, key),
  ];
}

const FILTERS: readonly RowFilter[] = [
  {},
  { changes: ['changed'] },
  { changes: ['added', 'deleted'] },
  { contains: 'NAME 5 ' },
  { contains: 'neu', changes: ['changed', 'added'] },
  { contains: 'nowhere' },
];

describe.each([
  ['with a key', [0]],
  ['without a key', []],
] as const)('rows of a comparison %s, by their numbers', (_, key) => {
  it.each(FILTERS)('are those that a filter lets through: %o', async (filter) => {
    const database = compared(...versions(9000, key));
    const all: ShownRow[] = await window(listing(database), 0, Infinity);
    const mentioned = all.filter(({ before, after }) => {
      const texts = [...(before ?? []), ...(after ?? [])].map((cell) =>
        (cell as string | null)?.toLowerCase(),
      );
      return texts.some((text) => text?.includes((filter.contains ?? '').toLowerCase()));
    });
    const wanted = mentioned.filter(({ change }) => filter.changes?.includes(change) !== false);
    const rows = listing(database, filter);
    // Backwards and in jumps.
    for (const start of [0, 700, 63, 64, 128, 65, wanted.length - 1, wanted.length, 5, 1e9]) {
      if (start < 0) continue;
      expect(await window(rows, start, 90)).toEqual(wanted.slice(start, start + 90));
    }
    const { counts, found, isComplete } = await rows.count(60_000, {});
    expect({ found, isComplete }).toEqual({ found: wanted.length, isComplete: true });
    for (const kind of KINDS)
      expect(counts[kind]).toBe(mentioned.filter(({ change }) => change === kind).length);
  });

  it('are counted a little at a time, and a search that is cancelled goes on where it was', async () => {
    const database = compared(...versions(9000, key));
    const whole = await listing(database).count(60_000, {});
    const rows = listing(database, { contains: '' });
    let slices = 0;
    for (let state = rows.state; !state.isComplete; state = await rows.count(0, {})) slices++;
    expect(slices).toBeGreaterThan(10);
    expect(rows.state).toEqual(whole);

    const stopped = listing(database, { contains: 'name' });
    await stopped.count(0, {});
    const controller = new AbortController();
    const cancelled = stopped.count(60_000, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect((await stopped.count(60_000, {})).found).toBe(whole.found);
    expect(await window(stopped, 500, 10)).toEqual(await window(listing(database), 500, 10));
  });
});

describe('all rows of one version', () => {
  it('are found by their numbers from whichever end is nearer', async () => {
    const names = Array.from(
      { length: 60_000 },
      (_, id) => `row ${id} ${id % 9000 === 8000 ? 'long '.repeat(500_000) : ''}`,
    );
    const counter = { reads: 0 };
    const database = compared(undefined, table(names), counter);
    const rows = listing(database);
    const idsFrom = async (start: number): Promise<unknown> =>
      (await window(rows, start, 3)).map(({ key }) => Number(key[0]));
    expect(await idsFrom(59_990)).toEqual([59_990, 59_991, 59_992]);
    // Of the one chunk in the middle, nothing yet.
    expect(counter.reads).toBeLessThan(8);
    for (const start of [0, 1, 8000, 8001, 7999, 35_000, 30_001, 59_998, 44_000, 17_001, 26_000])
      expect(await idsFrom(start)).toEqual([start, start + 1, start + 2].filter((id) => id < 60_000));
    expect(rows.state).toEqual({
      counts: { added: 60_000, changed: 0, deleted: 0 },
      found: 60_000,
      isComplete: true,
    });
    const known = counter.reads;
    expect(await idsFrom(31_000)).toEqual([31_000, 31_001, 31_002]);
    expect(counter.reads - known).toBeLessThan(5);
  });
});
