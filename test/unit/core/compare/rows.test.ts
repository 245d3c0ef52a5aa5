import { describe, expect, it } from 'vitest';
import type { DumpedColumn } from '../../../../src/core/database/engine.ts';
import {
  type ComparedDatabase,
  compareTable,
  readRowPage,
  summarizeTables,
} from '../../../../src/core/compare/rows.ts';
import type { ShownRow } from '../../../../src/core/compare/rows-shown.ts';
import { memorySide, type WrittenTable } from '../../../build/memory-side.ts';

const PATH = 'tables/public.t';

type Value = string | null;
type Row = readonly Value[];
interface Table {
  readonly columns: readonly DumpedColumn[];
  readonly key: readonly number[];
  readonly rows: readonly Row[];
}

const ID: DumpedColumn = { name: 'id', type: 'integer', sorts: 'number' };
const text = (name: string): DumpedColumn => ({ name, type: 'text' });

function escaped(value: Value): string {
  if (value === null) return '\\N';
  return value.replace(
    /[\\\t\n\r]/g,
    (each) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[each]!,
  );
}

/** The order that engines give rows: numbers by value, text by its bytes. */
function inKeyOrder({ columns, key, rows }: Table): Row[] {
  return [...rows].sort((a, b) => {
    for (const column of key) {
      const [x, y] = [a[column]!, b[column]!];
      const order =
        columns[column]!.sorts === 'number'
          ? Number(BigInt(x) - BigInt(y) > 0n) - Number(BigInt(x) - BigInt(y) < 0n)
          : Buffer.compare(Buffer.from(x), Buffer.from(y));
      if (order !== 0) return order;
    }
    return 0;
  });
}

function written(table: Table): WrittenTable {
  return { ...table, lines: inKeyOrder(table).map((row) => row.map(escaped).join('\t')) };
}

function compared(before: Table | undefined, after: Table | undefined): ComparedDatabase {
  return {
    name: 'crm',
    before: before && memorySide(written(before)),
    after: after && memorySide(written(after)),
    sqlite: async () => Promise.reject(new Error('there are no pages')),
  };
}

async function rowsOf(database: ComparedDatabase, limit = Infinity, more: object = {}): Promise<ShownRow[]> {
  const rows: ShownRow[] = [];
  for (let from: string | undefined; ;) {
    const page = await readRowPage(database, compareTable(database, PATH), { from, limit, ...more }, {});
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    rows.push(...page.rows);
    if (page.next === null) return rows;
    from = page.next;
  }
}

async function countsOf(database: ComparedDatabase): Promise<object | undefined> {
  for await (const { added, changed, deleted, schemaChanged } of summarizeTables(database, [PATH], {}))
    return { added, changed, deleted, schemaChanged };
  return undefined;
}

/** What differs, found the slow way. */
function expectedRows(before: Table, after: Table): ShownRow[] {
  const keyOf = (row: Row): string => JSON.stringify(after.key.map((column) => row[column]));
  const olds = new Map(before.rows.map((row) => [keyOf(row), row]));
  const news = new Map(after.rows.map((row) => [keyOf(row), row]));
  const keys = inKeyOrder({ ...after, rows: [...olds.values(), ...news.values()] }).map(keyOf);
  return [...new Set(keys)].flatMap((name): ShownRow[] => {
    const old = olds.get(name) ?? null;
    const fresh = news.get(name) ?? null;
    if (JSON.stringify(old) === JSON.stringify(fresh)) return [];
    const change = old === null ? 'added' : fresh === null ? 'deleted' : 'changed';
    return [{ change, key: JSON.parse(name) as string[], before: old, after: fresh }];
  });
}

/** The same numbers for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

const WORDS = [
  '',
  'a',
  'A',
  'ä',
  '😀',
  'tab\there',
  'line\nfeed',
  'back\\slash',
  '\\N',
  '\u0001',
  'x'.repeat(3000),
];

function randomTable(seed: number): { before: Table; after: Table } {
  const random = randomNumbers(seed);
  const kinds: Pick<Table, 'columns' | 'key'>[] = [
    { columns: [ID, text('a'), text('b')], key: [0] },
    { columns: [text('a'), { ...text('code'), sorts: 'bytes' }, text('b')], key: [1] },
    { columns: [{ ...text('kind'), sorts: 'bytes' }, text('a'), ID], key: [2, 0] },
  ];
  const { columns, key } = kinds[seed % kinds.length]!;
  const value = (): Value => (random(8) === 0 ? null : `${WORDS[random(WORDS.length)]!}${random(50)}`);
  const count = [0, 3, 400, 5000][random(4)]!;
  const rows = new Map<string, Row>();
  const put = (): void => {
    const row = columns.map(({ sorts }) =>
      sorts === 'number'
        ? random(4) === 0
          ? `-${random(count * 9 + 1) + 1}`
          : `${random(9)}${'0'.repeat(random(12))}${random(99)}`.replace(/^0+(?=\d)/, '')
        : sorts === 'bytes'
          ? `${WORDS[random(WORDS.length - 1)]!}${random(count * 3 + 2)}`
          : value(),
    );
    rows.set(JSON.stringify(key.map((column) => row[column])), row);
  };
  for (let number = 0; number < count; number++) put();
  const before = [...rows.values()];
  const share = [1, 50, 1000][random(3)]!;
  for (const [name, row] of rows) {
    if (random(share) !== 0) continue;
    if (random(2) === 0) rows.delete(name);
    else
      rows.set(
        name,
        row.map((old, column) => (key.includes(column) ? old : value())),
      );
  }
  for (let number = random(20); number > 0; number--) put();
  return { before: { columns, key, rows: before }, after: { columns, key, rows: [...rows.values()] } };
}

describe('rows of two versions of a table', () => {
  it.each(Array.from({ length: 36 }, (_, seed) => seed))(
    'differ as comparing all of them says (%i)',
    async (seed) => {
      const { before, after } = randomTable(seed);
      const database = compared(before, after);
      const expected = expectedRows(before, after);
      expect(await rowsOf(database)).toEqual(expected);
      expect(await rowsOf(database, 1 + (seed % 7))).toEqual(expected);
      const count = (change: string): number => expected.filter((row) => row.change === change).length;
      const counts = { added: count('added'), changed: count('changed'), deleted: count('deleted') };
      expect(await countsOf(database)).toEqual(
        expected.length === 0 ? undefined : { ...counts, schemaChanged: false },
      );
    },
  );

  it('is not read where both versions are the same', async () => {
    const rows = Array.from({ length: 20_000 }, (_, id) => [String(id), `value of ${id} ${'x'.repeat(60)}`]);
    const columns = [ID, text('a')];
    const counter = { reads: 0 };
    const edited = rows.map((row, id) => (id === 10_000 ? [row[0]!, 'another'] : row));
    const [before, after] = [rows, edited].map((each) =>
      memorySide(written({ columns, key: [0], rows: each }), counter),
    );
    const database = { ...compared(undefined, undefined), before, after };
    expect(await rowsOf(database)).toHaveLength(1);
    expect(counter.reads).toBeLessThanOrEqual(4);
  });

  it('may be larger than any chunk', async () => {
    const columns = [ID, text('a')];
    const long = 'long '.repeat(700_000);
    const rows = [1, 2, 3, 4].map((id) => [String(id), id === 2 || id === 3 ? `${long}${id}` : 'short']);
    const after = rows.map((row) => (row[0] === '3' ? ['3', `${long}3!`] : row));
    const database = compared({ columns, key: [0], rows }, { columns, key: [0], rows: after });
    const found = await rowsOf(database, Infinity, { mostCharacters: 10 });
    expect(found).toMatchObject([
      { change: 'changed', key: ['3'], after: ['3', { bytes: long.length + 2 }] },
    ]);
  });

  it('are a multiset without a key', async () => {
    const columns = [text('a'), text('b')];
    const same = Array.from({ length: 3000 }, (_, at) => [`row ${at % 1000}`, null]);
    const before = { columns, key: [], rows: [['x', null], ...same, ['x', null], ['y', '']] };
    const after = {
      columns,
      key: [],
      rows: [['y', null], ...[...same].reverse(), ['x', null], ['row 5', null]],
    };
    const found = await rowsOf(compared(before, after), 2);
    expect(
      found.map(({ change, before: old, after: fresh }) => [change, ...(old ?? fresh ?? [])]).sort(),
    ).toEqual([
      ['added', 'row 5', null],
      ['added', 'y', null],
      ['deleted', 'x', null],
      ['deleted', 'y', ''],
    ]);
    expect(await countsOf(compared(before, after))).toMatchObject({ added: 2, changed: 0, deleted: 2 });
  });

  it('differ by what stands in columns that came or went, too, and the change of the structure is told', async () => {
    const before = {
      columns: [ID, text('name'), text('gone')],
      key: [0],
      rows: [
        ['1', 'a', 'x'],
        ['2', 'b', 'y'],
        ['3', 'c', 'z'],
        ['5', 'e', null],
      ],
    };
    const after = {
      columns: [text('name'), ID, text('new')],
      key: [1],
      rows: [
        ['a', '1', 'n'],
        ['B', '2', 'n'],
        ['d', '4', null],
        ['e', '5', null],
      ],
    };
    const database = compared(before, after);
    expect(await countsOf(database)).toEqual({ added: 1, changed: 2, deleted: 1, schemaChanged: true });
    const page = await readRowPage(database, compareTable(database, PATH), { limit: 10 }, {});
    expect(page.columns.map(({ name, on }) => [name, on])).toEqual([
      ['name', 'both'],
      ['id', 'both'],
      ['new', 'after'],
      ['gone', 'before'],
    ]);
    expect(page.rows).toEqual([
      { change: 'changed', key: ['1'], before: ['a', '1', null, 'x'], after: ['a', '1', 'n', null] },
      { change: 'changed', key: ['2'], before: ['b', '2', null, 'y'], after: ['B', '2', 'n', null] },
      { change: 'deleted', key: ['3'], before: ['c', '3', null, 'z'], after: null },
      { change: 'added', key: ['4'], before: null, after: ['d', '4', null, null] },
    ]);
  });

  // Without a key, what only one side has does not count.
  it.each([
    ['renamed', ['street', 'fullname'], { keyed: 3333, keyless: 0, keylessEdited: 2 }],
    ['exchanged', ['name', 'street'], { keyed: 5000, keyless: 10_000, keylessEdited: 10_000 }],
  ])('differ wherever their chunks end when columns are %s', async (_, names, expected) => {
    const rows = Array.from({ length: 5000 }, (_row, id) => [
      String(id),
      `street ${id * 7919}`,
      id % 3 === 0 ? null : `name ${id}`,
    ]);
    const edited = rows.map((row) => (row[0] === '2500' ? ['2500', 'elsewhere', null] : row));
    const found = async (key: readonly number[], after: readonly Row[]): Promise<number> => {
      const [olds, news] = [['street', 'name'], names].map((each) => [ID, ...each.map(text)]);
      const database = compared({ columns: olds!, key, rows }, { columns: news!, key, rows: after });
      const all = await rowsOf(database, 1999);
      const counts = (await countsOf(database)) as Record<string, number>;
      expect(all).toHaveLength(counts['added']! + counts['changed']! + counts['deleted']!);
      return all.length;
    };
    for (const after of [rows, edited]) expect(await found([0], after)).toBe(expected.keyed);
    expect(await found([], rows)).toBe(expected.keyless);
    expect(await found([], edited)).toBe(expected.keylessEdited);
  });

  it('are all there, or all gone, when the table is', async () => {
    const table = {
      columns: [ID, text('a')],
      key: [0],
      rows: [
        ['1', 'x'],
        ['2', null],
      ],
    };
    expect(await countsOf(compared(undefined, table))).toEqual({
      added: 2,
      changed: 0,
      deleted: 0,
      schemaChanged: true,
    });
    expect(await countsOf(compared(table, undefined))).toEqual({
      added: 0,
      changed: 0,
      deleted: 2,
      schemaChanged: true,
    });
    expect(await rowsOf(compared(table, undefined), 1)).toMatchObject([
      { key: ['1'], after: null },
      { key: ['2'] },
    ]);
  });

  it('can be asked for by what happened to them and what is in them', async () => {
    const columns = [ID, text('a')];
    const before = {
      columns,
      key: [0],
      rows: [
        ['1', 'Müller'],
        ['2', 'Schmidt'],
        ['3', 'other'],
      ],
    };
    const after = {
      columns,
      key: [0],
      rows: [
        ['1', 'Meier'],
        ['2', 'Schulz'],
        ['4', 'MÜLLER'],
      ],
    };
    const database = compared(before, after);
    const keys = async (more: object): Promise<unknown> =>
      (await rowsOf(database, 1, more)).map(({ key }) => key[0]);
    expect(await keys({ changes: ['changed'] })).toEqual(['1', '2']);
    expect(await keys({ contains: 'müll' })).toEqual(['1', '4']);
    expect(await keys({ changes: ['added', 'deleted'], contains: 'e' })).toEqual(['3', '4']);
  });

  it('cannot be begun in the middle of nowhere, or where another comparison stood', async () => {
    const table = { columns: [ID], key: [0], rows: [['1'], ['2']] };
    const database = compared(table, { ...table, rows: [] });
    const { next } = await readRowPage(database, compareTable(database, PATH), { limit: 1 }, {});
    const other = compared(table, { ...table, rows: [['3']] });
    for (const from of ['x', next!])
      await expect(rowsOf(other, 1, { from })).rejects.toMatchObject({ code: 'changed-while-reading' });
  });
});
