import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { lockLive } from '../../../src/core/live-lock.ts';
import { oneSpelling } from '../../../src/core/real-folder.ts';
import { EngineClient } from '../../../src/engine/client.ts';
import { type Built, buildForNode } from '../../build/bundle.ts';
import { withSqlite } from '../../build/database-sqlite.ts';
import { temporaryFolder, type TemporaryFolder } from '../../build/tree.ts';

const set = 'crm';
let engine: Built;
let home: TemporaryFolder;
let workspace: string;
let client: EngineClient;

beforeAll(async () => {
  engine = await buildForNode('src/engine/server.ts');
});
afterAll(async () => engine[Symbol.asyncDispose]());

beforeEach(() => {
  home = temporaryFolder();
  workspace = join(home.path, 'workspace');
  mkdirSync(join(workspace, '.vscode'), { recursive: true });
  const databases = [{ name: 'app', url: 'sqlite:app.db' }];
  const text = JSON.stringify({ version: 1, sets: [{ name: set, files: [{ root: '.' }], databases }] });
  writeFileSync(join(workspace, '.vscode/crm-backup.json'), text);
  client = new EngineClient({
    script: engine.script,
    environment: { CRM_BACKUP_HOME: join(home.path, 'home') },
    idleMs: 60_000,
    log: () => undefined,
  });
});
afterEach(async () => {
  client.dispose();
  await home[Symbol.asyncDispose]();
});

function run(sql: string): void {
  withSqlite(join(workspace, 'app.db'), (database) => database.exec(sql));
}

test('an editor sees which tables and rows differ, page by page, and puts rows back', async () => {
  run(`CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO customer VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, '${'long '.repeat(2000)}')`);
  const first = await client.call('backup', { workspace, set, kind: 'full' });
  run("UPDATE customer SET name = 'changed' WHERE id < 3; DELETE FROM customer WHERE id > 2");
  const second = await client.call('backup', { workspace, set, kind: 'auto' });

  // Rows of SQLite stand in its file, so that a table takes no bytes of its own.
  const listed = { workspace, set, backup: first.id, path: 'databases/app/tables' };
  expect(await client.call('list', listed)).toMatchObject([{ type: 'table', size: 0, rows: 4 }]);

  const versions = { workspace, set, from: first.id, to: second.id };
  const { tables, problems } = await client.call('tables', versions);
  expect(problems).toEqual([]);
  expect(tables).toMatchObject([{ database: 'app', table: 'customer', added: 0, changed: 2, deleted: 2 }]);
  const table = { ...versions, database: 'app', table: tables[0]!.path };
  const page = await client.call('rows', { ...table, filter: {}, start: 0, limit: 3 });
  expect(page).toMatchObject({
    key: ['id'],
    columns: [{ name: 'id' }, { name: 'name', on: 'both' }],
    counts: { added: 0, changed: 2, deleted: 2 },
    found: 4,
    isComplete: true,
    structure: [],
  });
  expect(page.rows.map(({ change, key }) => [change, key[0]])).toEqual([
    ['changed', '1'],
    ['changed', '2'],
    ['deleted', '3'],
  ]);
  const rest = await client.call('rows', { ...table, filter: {}, start: 3, limit: 3 });
  expect(rest.rows).toMatchObject([{ key: ['4'], before: ['4', { bytes: 10_000 }], after: null }]);
  const filter = { changes: ['changed'], contains: 'TWO' } as const;
  expect(await client.call('rows', { ...table, filter, start: 0, limit: 3 })).toMatchObject({
    rows: [{ key: ['2'] }],
    counts: { added: 0, changed: 1, deleted: 0 },
    found: 1,
  });
  const copied = await client.call('copyRows', {
    ...table,
    filter: {},
    ranges: [{ start: 1, end: 3 }],
    format: 'sql',
  });
  expect(copied).toEqual({
    text: `UPDATE "customer" SET "name" = 'changed' WHERE "id" = 2;\nDELETE FROM "customer" WHERE "id" = 3;\n`,
    rows: 2,
    left: 0,
  });

  // Values that are cut where they are shown are copied whole.
  const cell = async (number: number, column: number): Promise<string | null> =>
    (await client.call('copyCell', { ...table, filter: {}, number, column })).text;
  expect(await cell(3, 1)).toBe('long '.repeat(2000));
  expect(await cell(0, 1)).toBe('changed');

  const wanted = { ...versions, to: null, database: 'app', side: 'before', overwrite: false } as const;
  const selections = [{ table: table.table, keys: [['2'], ['4']] }];
  const plan = await client.call('planRows', { ...wanted, selections });
  expect(plan.statements[0]).toBe(`UPDATE "customer" SET "name" = 'two' WHERE "id" = 2`);
  const { restored, ...done } = await client.call('restoreRows', { ...wanted, selections });
  expect(done).toMatchObject({ inserts: 1, updates: 1 });
  const left = await client.call('tables', { ...versions, to: null });
  expect(left.tables).toMatchObject([{ added: 0, changed: 1, deleted: 1 }]);

  // And taken back, but not over what somebody has changed since.
  const undo = { workspace, set, database: 'app', restored };
  run("UPDATE customer SET name = 'by somebody' WHERE id = 2");
  await expect(client.call('undoRows', undo)).rejects.toMatchObject({ code: 'rows-changed' });
  run("UPDATE customer SET name = 'two' WHERE id = 2");
  expect(await client.call('undoRows', undo)).toMatchObject({ deletes: 1, updates: 1 });
  expect(await client.call('tables', { ...versions, to: null })).toEqual({ tables, objects: [], problems });
});

test('an editor sees which views of a live database differ, and their text', async () => {
  run('CREATE TABLE customer (id INTEGER PRIMARY KEY); CREATE VIEW ids AS SELECT id FROM customer');
  const { id } = await client.call('backup', { workspace, set, kind: 'full' });
  const versions = { workspace, set, from: id, to: null };
  const path = 'databases/app/schema.sql';
  const object = { workspace, set, backup: id, path };
  const live = async (): Promise<string> =>
    new TextDecoder().decode((await client.call('liveObject', object)).live);
  expect(await client.call('tables', versions)).toEqual({ tables: [], objects: [], problems: [] });
  const before = await live();
  expect(await client.call('liveObject', object)).toMatchObject({ before: before.length });

  run('DROP VIEW ids; CREATE VIEW ids AS SELECT -id FROM customer');
  const objects = [{ path, change: 'modified' }];
  expect(await client.call('tables', versions)).toEqual({ tables: [], objects, problems: [] });
  expect(await live()).toBe(before.replace('SELECT id', 'SELECT -id'));
  const gone = client.call('liveObject', { ...object, path: 'databases/app/schema/views/ids.sql' });
  await expect(gone).rejects.toMatchObject({ code: 'no-object' });

  // Of two backups it is an entry like any other.
  const { id: later } = await client.call('backup', { workspace, set, kind: 'auto' });
  expect((await client.call('tables', { ...versions, to: later })).objects).toEqual([]);
});

test('an editor sees the rows of one backup, all of them, and puts them back over what is there', async () => {
  run(
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO customer VALUES (1, 'one'), (2, '')",
  );
  const { id } = await client.call('backup', { workspace, set, kind: 'full' });
  run("UPDATE customer SET name = 'changed' WHERE id = 1; DELETE FROM customer WHERE id = 2");
  const versions = { workspace, set, from: null, to: id, database: 'app' };
  const table = { ...versions, table: 'tables/main.customer', filter: {} };
  expect(await client.call('rows', { ...table, start: 0, limit: 10 })).toMatchObject({
    rows: [
      { key: ['1'], before: null, after: ['1', 'one'] },
      { key: ['2'], before: null, after: ['2', ''] },
    ],
    structure: [],
    found: 2,
  });
  const selections = [{ table: table.table, keys: [['1'], ['2']] }];
  const wanted = { ...versions, side: 'after', selections } as const;
  expect(await client.call('planRows', { ...wanted, overwrite: true })).toMatchObject({
    inserts: 1,
    updates: 1,
    conflicts: [{ key: ['1'] }],
  });
  await client.call('restoreRows', { ...wanted, overwrite: true });
  expect(await client.call('planRows', { ...wanted, overwrite: true })).toMatchObject({ unchanged: 2 });
});

test('rows wait for a restore of their database', async () => {
  run("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO customer VALUES (1, 'one')");
  const { id: from } = await client.call('backup', { workspace, set, kind: 'full' });
  run("UPDATE customer SET name = 'changed'");
  const selections = [{ table: 'tables/main.customer', keys: [['1']] }];
  const versions = { workspace, set, from, to: null, database: 'app' };
  const wanted = { ...versions, side: 'before', selections, overwrite: false } as const;
  const data = join(home.path, 'home');
  const over = [oneSpelling(join(workspace, 'app.db'))];
  const restore = await lockLive(data, over, 'exclusive', 'a restore', {});
  const restoring = client.call('restoreRows', wanted);
  const state = { isDone: false };
  restoring.then(
    () => (state.isDone = true),
    () => (state.isDone = true),
  );
  while (!state.isDone && readdirSync(join(data, 'live/locks')).length < 2) await pause(5);
  expect(await client.call('planRows', wanted)).toMatchObject({ updates: 1 });
  await restore[Symbol.asyncDispose]();
  expect(await restoring).toMatchObject({ updates: 1 });
});

test('rows that were shown are no longer there under their numbers once somebody has changed others', async () => {
  run(`CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO customer VALUES (1, 'one'), (2, 'two'), (3, 'three')`);
  const { id: from } = await client.call('backup', { workspace, set, kind: 'full' });
  run("UPDATE customer SET name = 'changed' WHERE id > 1");
  const versions = { workspace, set, from, to: null };
  const table = { ...versions, database: 'app', table: 'tables/main.customer', filter: {} };
  const shown = await client.call('rows', { ...table, start: 0, limit: 2 });
  const { comparison } = shown;
  const first = { ...table, comparison, start: 0, limit: 1 };
  const ranges = [{ start: 0, end: 1 }];

  // Looked at anew: as long as the rows are the same, so are the numbers.
  await client.call('tables', versions);
  expect((await client.call('rows', first)).rows).toEqual(shown.rows.slice(0, 1));
  run("UPDATE customer SET name = 'somebody' WHERE id = 1");
  expect((await client.call('rows', first)).rows).toEqual(shown.rows.slice(0, 1));
  await client.call('tables', versions);
  await expect(client.call('rows', first)).rejects.toMatchObject({ code: 'other-rows' });
  await expect(client.call('countRows', { ...table, comparison })).rejects.toMatchObject({
    code: 'other-rows',
  });
  await expect(
    client.call('copyRows', { ...table, comparison, ranges, format: 'sql' }),
  ).rejects.toMatchObject({ code: 'other-rows' });
  const again = await client.call('rows', { ...table, start: 0, limit: 1 });
  expect(again.rows).toMatchObject([{ key: ['1'] }]);
  expect(await client.call('rows', { ...first, comparison: again.comparison })).toEqual(again);
});

test.each([
  ['in another column', "UPDATE customer SET phone = '555' WHERE id = 2"],
  ['in the same column', "UPDATE customer SET name = 'by somebody' WHERE id = 2"],
  ['by a row that refers to it', 'INSERT INTO visit VALUES (2, 4)'],
])('what was changed %s while somebody read the statements is not overwritten', async (_, change) => {
  run(`CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, phone TEXT);
    CREATE TABLE visit (id INTEGER PRIMARY KEY, customer REFERENCES customer ON DELETE CASCADE);
    INSERT INTO customer VALUES (1, 'one', '1'), (2, 'two', '2')`);
  const { id: from } = await client.call('backup', { workspace, set, kind: 'full' });
  run(`UPDATE customer SET name = 'changed' WHERE id = 2; INSERT INTO customer VALUES (4, 'four', '4');
    INSERT INTO visit VALUES (1, 4)`);
  const versions = { workspace, set, from, to: null };
  const selections = [{ table: 'tables/main.customer', keys: [['2'], ['4']] }];
  const wanted = { ...versions, database: 'app', side: 'before', selections, overwrite: true } as const;
  const { fingerprint } = await client.call('planRows', wanted);
  const restore = { ...wanted, dependents: true, fingerprint };
  run(change);
  const names = (): unknown[] =>
    withSqlite(join(workspace, 'app.db'), (database) => database.prepare('SELECT * FROM customer').all());
  const before = names();
  // The comparison is looked at anew, so it expects what is there now.
  await client.call('tables', versions);
  await expect(client.call('restoreRows', restore)).rejects.toMatchObject({ code: 'rows-changed' });
  expect(names()).toEqual(before);
  const now = await client.call('planRows', wanted);
  await client.call('restoreRows', { ...restore, fingerprint: now.fingerprint });
  expect(names()).toMatchObject([{ name: 'one' }, { name: 'two', phone: '2' }]);
});

test('a backup without a database is not compared with it: no row of it counts as added', async () => {
  writeFileSync(join(workspace, 'a.txt'), 'one');
  run('CREATE TABLE customer (id INTEGER PRIMARY KEY); INSERT INTO customer VALUES (1), (2)');
  const first = await client.call('backup', { workspace, set, kind: 'full' });
  writeFileSync(join(workspace, 'a.txt'), 'two');
  const paths = ['files/workspace/a.txt'];
  const request = { workspace, set, backup: first.id, paths, delete: false, safetyBackup: true };
  const { safetyBackup } = await client.call('restore', request);

  for (const [from, to] of [
    [safetyBackup!, null],
    [safetyBackup!, first.id],
    [first.id, safetyBackup!],
  ] as const) {
    const versions = { workspace, set, from, to };
    const { tables, problems } = await client.call('tables', versions);
    expect(tables).toEqual([]);
    const message = `Backup ${safetyBackup!.slice(0, 8)} does not have database “app”, so there is nothing to compare.`;
    expect(problems).toMatchObject([{ path: 'databases/app', message }]);
    const table = { ...versions, database: 'app', table: 'tables/main.customer', filter: {} };
    const refused = { code: 'no-database', message };
    await expect(client.call('rows', { ...table, start: 0, limit: 9 })).rejects.toMatchObject(refused);
    const selections = [{ table: table.table, keys: [['1'], ['2']] }];
    const wanted = { ...versions, database: 'app', side: 'before', overwrite: true, selections } as const;
    await expect(client.call('planRows', wanted)).rejects.toMatchObject(refused);
    await expect(client.call('restoreRows', wanted)).rejects.toMatchObject(refused);
    if (to === null) continue;
    const { changes } = await client.call('changes', {
      workspace,
      set,
      from,
      backup: to,
      paths: [],
      probe: false,
    });
    expect(changes.map(({ path }) => path)).toEqual(paths);
  }
  withSqlite(join(workspace, 'app.db'), (database) => {
    expect(database.prepare('SELECT count(*) AS rows FROM customer').get()).toEqual({ rows: 2 });
  });

  // Nor is anything told against it: the next backup goes on from the one before.
  const next = await client.call('backup', { workspace, set, kind: 'incremental' });
  expect(next.base).toBe(first.id);
  expect(next.tables).toMatchObject({ total: 1, unchanged: 1 });
});

test('a database that cannot be read is a problem of its own', async () => {
  run('CREATE TABLE customer (id INTEGER PRIMARY KEY)');
  const { id } = await client.call('backup', { workspace, set, kind: 'full' });
  writeFileSync(
    join(workspace, 'app.db'),
    'no database any more, but long enough to be looked at '.repeat(10),
  );
  const { tables, problems } = await client.call('tables', { workspace, set, from: id, to: null });
  expect(tables).toEqual([]);
  expect(problems).toMatchObject([{ path: 'databases/app', incomplete: true }]);
  expect(problems[0]!.message).toContain('no SQLite database');
  const asked = {
    workspace,
    set,
    from: id,
    to: null,
    database: 'other',
    table: 'tables/x',
    filter: {},
    start: 0,
    limit: 1,
  };
  await expect(client.call('rows', asked)).rejects.toMatchObject({ code: 'no-database' });
});
