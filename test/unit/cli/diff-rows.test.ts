import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';
import type { TriedDatabase } from '../../build/database-conformance.ts';
import { openMariaDb } from '../../build/database-mariadb.ts';
import { openPostgres } from '../../build/database-postgres.ts';
import { openSqlite, withSqlite } from '../../build/database-sqlite.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../build/mariadb-server.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../build/postgres-server.ts';

/** What `diff --json` prints of databases. */
interface Difference {
  readonly from: string | null;
  readonly to: string;
  readonly entries: readonly { readonly path: string; readonly type: string }[];
  readonly tables: readonly object[];
}

interface Rows {
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly rows: readonly {
    readonly change: string;
    readonly key: unknown;
    readonly before: unknown;
    readonly after: unknown;
  }[];
  readonly addedColumns: readonly string[];
}

const BINARY = { postgres: "decode('00ff0a095c', 'hex')", mariadb: "x'00ff0a095c'", sqlite: "x'00ff0a095c'" };
const BYTES = { postgres: 'bytea', mariadb: 'blob', sqlite: 'blob' };

function rowsInTheBackup(
  engine: 'postgres' | 'mariadb' | 'sqlite',
  open: () => Promise<TriedDatabase> | TriedDatabase,
): void {
  let cli: Cli;
  let tried: TriedDatabase;
  const ids: Record<string, string> = {};
  const diff = async (...args: string[]): Promise<Difference> => {
    const { code, value } = await cli.json(['diff', ...args]);
    expect(code, JSON.stringify(value)).toBe(0);
    return value as unknown as Difference;
  };
  const rows = async (...args: string[]): Promise<Rows> => (await diff(...args)) as unknown as Rows;
  const backUp = async (name: string): Promise<void> => {
    ids[name] = (await cli.json(['backup'])).value.id;
  };

  beforeAll(async () => {
    cli = await buildCli();
    tried = await open();
    const { url, workspace } = tried.address;
    const place = url.startsWith('sqlite:') ? `sqlite:${workspace}/${url.slice('sqlite:'.length)}` : url;
    cli.writeSets({ name: 'crm', files: [], databases: [{ name: 'crm', url: place }] });
    await cli.must(['init', '--yes']);
    await tried.run(`CREATE TABLE customer (id integer PRIMARY KEY, name varchar(100), picture ${BYTES[engine]}, note varchar(100));
      CREATE TABLE tag (name varchar(20), weight integer);
      CREATE TABLE untouched (id integer PRIMARY KEY);
      INSERT INTO untouched VALUES (1);
      INSERT INTO tag VALUES ('red', 1), ('red', 1), ('blue', NULL);
      INSERT INTO customer VALUES (1, 'Müller', ${BINARY[engine]}, NULL), (2, 'it''s 😀', NULL, ''), (10, 'ten', NULL, 'x'), (-3, 'minus', NULL, 'y');`);
    await backUp('a');
    await tried.run(`UPDATE customer SET note = '' WHERE id = 1;
      DELETE FROM customer WHERE id = 10;
      INSERT INTO customer VALUES (11, 'eleven', ${BINARY[engine]}, 'tab	here');
      DELETE FROM tag WHERE weight IS NULL;
      INSERT INTO tag VALUES ('red', 1);`);
    await backUp('b');
    await tried.run(`ALTER TABLE customer ADD COLUMN city varchar(50); UPDATE customer SET name = 'changed' WHERE id = -3;
      CREATE TABLE fresh (id integer PRIMARY KEY); INSERT INTO fresh VALUES (7);`);
  });
  afterAll(async () => {
    await tried[Symbol.asyncDispose]();
    await cli[Symbol.asyncDispose]();
  });

  it('are counted by table', async () => {
    const { from, to, tables, entries } = await diff(ids['a']!, ids['b']!);
    expect([from, to]).toEqual([ids['a'], ids['b']]);
    expect(tables).toMatchObject([
      { database: 'crm', table: 'customer', added: 1, changed: 1, deleted: 1, schemaChanged: false },
      { database: 'crm', table: 'tag', added: 1, changed: 0, deleted: 1, schemaChanged: false },
    ]);
    const paths = entries.map(({ path }) => path);
    expect(paths).not.toContain('databases/crm/row-chunks');
    // Its tables tell it, once.
    expect(paths).not.toContain('databases/crm/database.sqlite');
    // Without another backup it is the one before.
    expect((await diff(ids['b']!)).tables).toEqual(tables);
    expect((await diff(ids['a']!, ids['b']!, 'files')).tables).toEqual([]);
  });

  it('are told with what they were and are', async () => {
    const { columns, key, rows: found } = await rows(ids['a']!, ids['b']!, '--rows', 'crm.customer');
    expect(columns).toEqual(['id', 'name', 'picture', 'note']);
    expect(key).toEqual(['id']);
    const bytes = expect.objectContaining({
      bytes: 5,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    }) as unknown;
    expect(found).toEqual([
      {
        change: 'changed',
        key: ['1'],
        before: ['1', 'Müller', bytes, null],
        after: ['1', 'Müller', bytes, ''],
      },
      { change: 'deleted', key: ['10'], before: ['10', 'ten', null, 'x'], after: null },
      { change: 'added', key: ['11'], before: null, after: ['11', 'eleven', bytes, 'tab\there'] },
    ]);
    const tags = await rows(ids['a']!, ids['b']!, '--rows', 'crm.tag');
    expect(tags.key).toEqual([]);
    expect(tags.rows.map(({ change, before, after }) => [change, before ?? after]).sort()).toEqual([
      ['added', ['red', '1']],
      ['deleted', ['blue', null]],
    ]);
    expect((await rows(ids['a']!, ids['b']!, '--rows', 'crm.untouched')).rows).toEqual([]);
    const { text } = await cli.run(['diff', ids['a']!, ids['b']!, '--rows', 'crm.customer']);
    expect(text).toContain('~ id="1"  note: NULL -> ""\n- id="10"');
  });

  it('are compared with the live database, and nothing is written for it', async () => {
    const vault = (): string[] => readdirSync(cli.home, { recursive: true, encoding: 'utf8' }).sort();
    const before = vault();
    const { to, tables } = await diff(ids['b']!, '--workspace');
    expect(to).toBe('workspace');
    expect(tables).toMatchObject([
      { table: 'customer', added: 0, changed: 1, deleted: 0, schemaChanged: true },
      { table: 'fresh', added: 1, changed: 0, deleted: 0, schemaChanged: true },
    ]);
    const found = await rows(ids['b']!, '--workspace', '--rows', 'crm.customer');
    expect(found.addedColumns).toEqual(['city']);
    expect(found.rows).toMatchObject([
      { change: 'changed', key: ['-3'], after: ['-3', 'changed', null, 'y', null] },
    ]);
    expect(vault()).toEqual(before);
  });

  it('stand beside the views and triggers that differ, of backups and of the live database', async () => {
    await backUp('plain');
    const isOfViews = ({ path, type }: Difference['entries'][number]): boolean =>
      type !== 'table' && type !== 'directory' && path.startsWith('databases/crm/');
    const live = async () => (await diff(ids['plain']!, '--workspace')).entries.filter(isOfViews);
    expect(await live()).toEqual([]);
    await tried.run('CREATE VIEW named AS SELECT name FROM customer');
    const told = (await live()).map(({ path }) => path);
    expect(told.length).toBeGreaterThan(0);
    const text = (await cli.run(['diff', ids['plain']!, '--workspace'])).text;
    for (const path of told) expect(text).toContain(path);
    // Lines of what is live in a database are not counted.
    expect(text).toMatch(/^\d (added|modified)(, \d modified)?$/m);
    await backUp('with a view');
    const stored = (await diff(ids['plain']!, ids['with a view']!)).entries.filter(isOfViews);
    const isSchema = (path: string): boolean => !/\/(info\.json|row-chunks|database\.sqlite)$/.test(path);
    expect(stored.map(({ path }) => path).filter(isSchema)).toEqual(told);
    expect((await diff(ids['with a view']!, '--workspace')).entries.filter(isOfViews)).toEqual([]);
    await tried.run('DROP VIEW named');
  });

  it('of tables that are not there are refused', async () => {
    for (const [name, message] of [
      ['crm.nothing', 'has no table'],
      ['nothing.customer', 'names no database'],
      ['customer', 'DATABASE.TABLE'],
    ] as const) {
      const { code, value } = await cli.json(['diff', ids['a']!, '--rows', name]);
      expect(code).toBe(2);
      expect(value.error.message).toContain(message);
    }
  });
}

describe.skipIf(!hasPostgres())('rows of PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  rowsInTheBackup('postgres', async () => openPostgres(server));
});

describe.skipIf(!hasMariaDb)('rows of MariaDB', () => {
  let server: MariaDbServer;
  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  rowsInTheBackup('mariadb', async () => openMariaDb(server));
});

describe('rows of SQLite', () => {
  rowsInTheBackup('sqlite', () => openSqlite('wal'));

  it('differ by type, too, and are told apart where a key has no value', async () => {
    await using cli = await buildCli();
    cli.writeSets({ name: 'crm', files: [], databases: [{ name: 'app', url: 'sqlite:app.db' }] });
    const run = (sql: string): void =>
      withSqlite(join(cli.workspace, 'app.db'), (database) => database.exec(sql));
    run(`CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE, v);
      CREATE TABLE n (k TEXT PRIMARY KEY, v); CREATE TABLE w (a, b, v, PRIMARY KEY (b, a)) WITHOUT ROWID;
      INSERT INTO t VALUES ('a', 1), ('b', 'x'), ('c', 1.5), ('d', CAST(x'ff' AS TEXT));
      INSERT INTO n VALUES (NULL, 1), (NULL, 1), ('a', 2);
      INSERT INTO w VALUES (1, 2, 3), (2, 1, 3);`);
    await cli.must(['init', '--yes'], ['backup']);
    run(`UPDATE t SET v = '1' WHERE k = 'a'; UPDATE t SET k = 'B' WHERE k = 'b'; UPDATE t SET v = CAST(x'fe' AS TEXT) WHERE k = 'd';
      UPDATE n SET v = 3 WHERE rowid = 1; UPDATE w SET v = 4 WHERE a = 2;`);
    const rows = async (table: string): Promise<unknown> =>
      ((await cli.json(['diff', 'latest', '--workspace', '--rows', `app.${table}`])).value as unknown as Rows)
        .rows;
    expect(await rows('t')).toMatchObject([
      { change: 'changed', key: ['a'] },
      { change: 'changed', key: ['B'], before: ['b', 'x'], after: ['B', 'x'] },
      { change: 'changed', key: ['d'], before: ['d', { bytes: 1 }] },
    ]);
    expect(await rows('n')).toMatchObject([
      { change: 'deleted', before: [null, '1'] },
      { change: 'added', after: [null, '3'] },
    ]);
    expect(await rows('w')).toMatchObject([{ change: 'changed', key: ['1', '2'], after: ['2', '1', '4'] }]);
  });

  it('are not said to have come or gone where a backup was taken without databases', async () => {
    await using cli = await buildCli();
    cli.writeSets({
      name: 'crm',
      files: [{ root: '.' }],
      databases: [{ name: 'app', url: 'sqlite:app.db' }],
    });
    withSqlite(join(cli.workspace, 'app.db'), (database) =>
      database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)'),
    );
    writeFileSync(join(cli.workspace, 'a.txt'), 'a\n');
    await cli.must(['init', '--yes'], ['backup'], ['backup', '--no-databases']);
    const without = /databases\/app: Backup [0-9a-f]{8} does not have database “app”, so there is nothing/g;
    for (const args of [['latest'], ['latest~1', 'latest'], ['latest', '--workspace']]) {
      const { code, value } = await cli.json(['diff', ...args]);
      expect([code, value]).toMatchObject([3, { entries: [], tables: [] }]);
    }
    for (const more of [[], ['--patch'], ['--rows', 'app.t']]) {
      const { code, text, stderr } = await cli.run(['diff', 'latest', ...more]);
      expect([code, stderr.match(without)?.length], more.join(' ')).toEqual([3, 1]);
      expect(text).not.toMatch(/[1-9]\d* (rows? )?(added|deleted)/);
    }
    expect((await cli.json(['diff', 'latest', 'files'])).code).toBe(0);
  });

  it('are not said to be deleted where the set does not name their database any more', async () => {
    await using cli = await buildCli();
    const nameIt = (name: string): void =>
      cli.writeSets({ name: 'crm', files: [], databases: [{ name, url: 'sqlite:app.db' }] });
    nameIt('app');
    withSqlite(join(cli.workspace, 'app.db'), (database) =>
      database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)'),
    );
    await cli.must(['init', '--yes'], ['backup']);
    nameIt('sales');
    const { code, value } = await cli.json(['diff', 'latest', '--workspace']);
    expect([code, value]).toMatchObject([3, { entries: [], tables: [] }]);
    for (const more of [[], ['--rows', 'app.t']]) {
      const { stderr, text } = await cli.run(['diff', 'latest', '--workspace', ...more]);
      expect(stderr).toContain('databases/app: The set has no database “app” any more');
      expect(text).not.toMatch(/deleted/);
    }
  });

  it('that cannot be read leave the comparison incomplete', async () => {
    await using cli = await buildCli();
    cli.writeSets({ name: 'crm', files: [], databases: [{ name: 'app', url: 'sqlite:app.db' }] });
    const file = join(cli.workspace, 'app.db');
    withSqlite(file, (database) => database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)'));
    await cli.must(['init', '--yes'], ['backup']);
    rmSync(file);
    const whole = await cli.run(['diff', 'latest', '--workspace']);
    expect(whole.code).toBe(3);
    expect(whole.stderr).toContain('databases/app: The SQLite database');
    const { code, value } = await cli.json(['diff', 'latest', '--workspace', '--rows', 'app.t']);
    expect(code).toBe(3);
    expect(value).toMatchObject({ rows: [], complete: false });
  });
});
