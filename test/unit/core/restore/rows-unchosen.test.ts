import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { type CopyFormat, rowCopier } from '../../../../src/core/compare/rows-copy.ts';
import { openDatabase } from '../../../../src/core/compare/rows-open.ts';
import { compareTable, readRowPage } from '../../../../src/core/compare/rows.ts';
import type { ShownRow } from '../../../../src/core/compare/rows-shown.ts';
import { engineNamed } from '../../../../src/core/database/engines.ts';
import {
  planRowRestore,
  type RowRestorePlan,
  restoreRows,
  undoRows,
} from '../../../../src/core/restore/rows.ts';
import type { TriedDatabase } from '../../../build/database-conformance.ts';
import { openPostgres } from '../../../build/database-postgres.ts';
import { openSqlite } from '../../../build/database-sqlite.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../build/postgres-server.ts';
import { buildVault } from '../../../build/vault.ts';

interface Options {
  readonly overwrite?: boolean;
  readonly dependents?: boolean;
}

/** Rows of a live database that has changed since a backup. Restoring makes them as in the backup. */
interface Changed extends AsyncDisposable {
  readonly tried: TriedDatabase;
  /** The rows of a table that differ. */
  differing(table: string): Promise<readonly ShownRow[]>;
  copied(table: string, format: CopyFormat): Promise<readonly (string | undefined)[]>;
  plan(table: string, rows: readonly ShownRow[], options?: Options): Promise<RowRestorePlan>;
  restore(
    table: string,
    rows: readonly ShownRow[],
    options?: Options,
  ): Promise<Awaited<ReturnType<typeof restoreRows>>>;
  undo(done: Awaited<ReturnType<typeof restoreRows>>): Promise<void>;
}

/** Backs a database up that some statements have made, and changes it by others. */
async function changed(tried: TriedDatabase, setup: string, change: string): Promise<Changed> {
  const built = await buildVault();
  const live = {
    name: 'crm',
    address: async () => Promise.resolve({ ...tried.address, name: 'crm' }),
  };
  await tried.run(setup);
  const from = await backUp(
    built.vault,
    { name: 'test', roots: [], databases: [live] },
    { kind: 'auto' },
    {},
  );
  await tried.run(change);
  const compared = (await openDatabase(
    built.vault,
    { from, to: [live], paths: [] },
    'crm',
    () => undefined,
    {},
  ))!;
  const pathOf = (table: string): string => compared.tables.find((path) => path.endsWith(`.${table}`))!;
  const request = (table: string, rows: readonly ShownRow[], options: Options) => ({
    compared,
    side: 'before' as const,
    selections: [{ table: pathOf(table), keys: rows.map(({ key }) => key) }],
    overwrite: false,
    ...options,
  });
  return {
    tried,
    differing: async (table) =>
      (await readRowPage(compared, compareTable(compared, pathOf(table)), { limit: 100 }, {})).rows,
    copied: async (table, format) => {
      const comparison = compareTable(compared, pathOf(table));
      const engine = await engineNamed(compared.after!.info.engine);
      const { row } = rowCopier(compared, comparison, format, engine);
      const texts: (string | undefined)[] = [];
      for await (const each of comparison.changes(undefined, {})) texts.push(row(each, texts.length === 0));
      return texts;
    },
    plan: async (table, rows, options = {}) => planRowRestore(live, request(table, rows, options), {}),
    restore: async (table, rows, options = {}) => restoreRows(live, request(table, rows, options), {}),
    undo: async ({ restored }) => {
      await undoRows(live, structuredClone(restored), {});
    },
    [Symbol.asyncDispose]: async () => {
      await compared[Symbol.asyncDispose]();
      await tried[Symbol.asyncDispose]();
      await built[Symbol.asyncDispose]();
    },
  };
}

describe('rows of SQLite that nobody chose', () => {
  const PRICES = `CREATE TABLE price (product INTEGER NOT NULL, region TEXT, amount REAL, PRIMARY KEY (product, region));
    INSERT INTO price VALUES (1, NULL, 10), (1, NULL, 11), (2, 'eu', 5)`;

  it.each([
    ['added', 'INSERT INTO price VALUES (1, NULL, 99)'],
    ['changed', 'UPDATE price SET amount = 99 WHERE amount = 11'],
    ['replaced', 'DELETE FROM price WHERE amount = 10; INSERT INTO price VALUES (1, NULL, 99)'],
  ])('stay when one without a value in its key was %s', async (_, change) => {
    await using crm = await changed(openSqlite('delete'), PRICES, change);
    const before = await crm.tried.rows('price');
    for (const row of await crm.differing('price')) {
      await expect(crm.plan('price', [row], { overwrite: true })).rejects.toMatchObject({
        code: 'cannot-hold',
      });
      await expect(crm.restore('price', [row], { overwrite: true })).rejects.toMatchObject({
        code: 'cannot-hold',
      });
    }
    expect(await crm.tried.rows('price')).toBe(before);
    // No statement would find the one that went.
    for (const text of await crm.copied('price', 'sql')) expect(text ?? 'INSERT').toMatch(/^INSERT/);
  });

  it('can be restored where they have a key, beside others without one', async () => {
    await using crm = await changed(
      openSqlite('delete'),
      PRICES,
      "UPDATE price SET amount = 6 WHERE region = 'eu'",
    );
    const rows = await crm.differing('price');
    await crm.restore('price', rows.slice(0, 1), { overwrite: true });
    expect(await crm.tried.rows('price')).toMatch(/real:5/);
  });

  it('stay when a foreign key would take one without a value in its key along', async () => {
    await using crm = await changed(
      openSqlite('delete'),
      `CREATE TABLE product (id INTEGER PRIMARY KEY); CREATE TABLE price (product INTEGER NOT NULL REFERENCES product ON DELETE CASCADE,
        region TEXT, amount REAL, PRIMARY KEY (product, region))`,
      'INSERT INTO product VALUES (1); INSERT INTO price VALUES (1, NULL, 10), (1, NULL, 11)',
    );
    const rows = await crm.differing('product');
    await expect(crm.restore('product', rows, { dependents: true })).rejects.toMatchObject({
      code: 'cannot-hold',
    });
    expect((await crm.tried.rows('price')).split('\n')).toHaveLength(2);
  });

  const PEOPLE = `CREATE TABLE person (id INTEGER PRIMARY KEY, email TEXT UNIQUE ON CONFLICT REPLACE, name TEXT);
    INSERT INTO person VALUES (1, 'a@x', 'Anna'), (2, 'b@x', 'Bert')`;

  it.each([
    ['inserted', 'DELETE FROM person WHERE id = 1'],
    ['updated', "UPDATE person SET email = 'c@x' WHERE id = 1"],
  ])('stay when their unique key is to be replaced by a row that is %s', async (_, change) => {
    const tried = openSqlite('delete');
    await using crm = await changed(tried, PEOPLE, `${change}; INSERT INTO person VALUES (7, 'a@x', 'Zoe')`);
    const [anna, zoe] = await crm.differing('person');
    const before = await tried.rows('person');
    await expect(crm.restore('person', [anna!])).rejects.toMatchObject({ code: 'constraint' });
    expect(await tried.rows('person')).toBe(before);
    await crm.restore('person', [anna!, zoe!]);
    expect(await tried.rows('person')).not.toMatch(/integer:7/);
  });

  it('change by a trigger that replaces rows, as always', async () => {
    await using crm = await changed(
      openSqlite('delete'),
      `CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE latest (one INTEGER PRIMARY KEY, name TEXT);
      CREATE TRIGGER tell AFTER UPDATE ON person BEGIN INSERT OR REPLACE INTO latest VALUES (1, NEW.name); END;
      INSERT INTO person VALUES (1, 'Anna')`,
      "UPDATE person SET name = 'Zoe'",
    );
    await crm.restore('person', await crm.differing('person'));
    expect(await crm.tried.rows('latest')).toContain(Buffer.from('Anna').toString('hex').toUpperCase());
  });

  it('are told of where only the column they refer to makes no difference between cases', async () => {
    await using crm = await changed(
      openSqlite('delete'),
      `CREATE TABLE tag (code TEXT COLLATE NOCASE PRIMARY KEY);
      CREATE TABLE item (id INTEGER PRIMARY KEY, tag TEXT REFERENCES tag (code) ON DELETE CASCADE);
      INSERT INTO tag VALUES ('x')`,
      "INSERT INTO tag VALUES ('Red'); INSERT INTO item VALUES (1, 'red'), (2, 'Red'), (3, 'x')",
    );
    await restoresWithItems(crm, 2);
  });
});

describe.skipIf(!hasPostgres())('rows of PostgreSQL that nobody chose', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it.each([
    ['a type', 'CREATE EXTENSION citext', 'citext', 'citext'],
    [
      'a type of another schema',
      'CREATE SCHEMA more; CREATE EXTENSION citext SCHEMA more',
      'more.citext',
      'more.citext',
    ],
    [
      'a collation',
      "CREATE COLLATION anyhow (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
      'text COLLATE anyhow',
      'text',
    ],
  ])('are told of where %s makes no difference between cases', async (_, made, type, ownType) => {
    await using crm = await changed(
      await openPostgres(server),
      `${made}; CREATE TABLE tag (code ${type} PRIMARY KEY);
      CREATE TABLE item (id integer PRIMARY KEY, tag ${ownType} REFERENCES tag (code) ON DELETE CASCADE);
      INSERT INTO tag VALUES ('x')`,
      "INSERT INTO tag VALUES ('Red'); INSERT INTO item VALUES (1, 'red'), (2, 'Red'), (3, 'x')",
    );
    await restoresWithItems(crm, 2);
  });
});

describe.skipIf(!hasPostgres())('triggers of PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('find what they name as always, at once and at the end', async () => {
    const tried = await openPostgres(server);
    await tried.run(
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = log, public', current_database()); END $$",
    );
    await using crm = await changed(
      tried,
      `CREATE SCHEMA log; CREATE TABLE log.change (number serial, what text);
      CREATE TABLE public.customer (id integer PRIMARY KEY, name text UNIQUE);
      CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO change (what) VALUES (TG_NAME || ' ' || TG_OP); RETURN NULL; END $$;
      CREATE TRIGGER now AFTER INSERT OR UPDATE ON public.customer FOR EACH ROW EXECUTE FUNCTION public.tell();
      CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE ON public.customer DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION public.tell();
      INSERT INTO public.customer VALUES (1, 'one'), (2, 'two')`,
      // The first one to be restored has to wait for the other.
      `DELETE FROM public.customer WHERE id = 1; UPDATE public.customer SET name = 'one' WHERE id = 2;
      SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE log.change`,
    );
    await crm.restore('customer', await crm.differing('customer'));
    expect(await tried.rows('public.customer')).toMatch(/1.*one[^]*2.*two/);
    const told = await tried.rows('log.change');
    for (const what of ['now INSERT', 'now UPDATE', 'later INSERT', 'later UPDATE'])
      expect(told.split(what)).toHaveLength(2);
  });
});

/** Restores the only row of `tag`, which goes and takes rows of `item` along; and undoes it. */
async function restoresWithItems(crm: Changed, many: number): Promise<void> {
  const rows = await crm.differing('tag');
  const before = await crm.tried.rows('item');
  await expect(crm.restore('tag', rows)).rejects.toMatchObject({ code: 'constraint' });
  expect(await crm.tried.rows('item')).toBe(before);
  const done = await crm.restore('tag', rows, { dependents: true });
  expect(done.dependents).toMatchObject([{ becomes: 'deleted', rows: many }]);
  expect((await crm.tried.rows('item')).split('\n')).toHaveLength(1);
  await crm.undo(done);
  expect(await crm.tried.rows('item')).toBe(before);
}
