import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backUp } from '../../../../../src/core/backup.ts';
import { openDatabase } from '../../../../../src/core/compare/rows-open.ts';
import { compareTable, readRowPage } from '../../../../../src/core/compare/rows.ts';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import { editRows } from '../../../../../src/core/database/postgres/edit-rows.ts';
import { restore } from '../../../../../src/core/restore/restore.ts';
import { restoreRows } from '../../../../../src/core/restore/rows.ts';
import { databaseConformance, type TriedDatabase } from '../../../../build/database-conformance.ts';
import { openPostgres } from '../../../../build/database-postgres.ts';
import { dumpToMemory } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';
import { temporaryFolder } from '../../../../build/tree.ts';
import { buildVault } from '../../../../build/vault.ts';

vi.setConfig({ testTimeout: 180_000 });

/** The oldest there is, a newer one that Debian’s client tools read as well, and the newest, which they do not. */
const VERSIONS = [13, 14, 18] as const;
type Version = (typeof VERSIONS)[number];
const canRun = VERSIONS.every((version) => hasPostgres(version));

const servers = new Map<Version, PostgresServer>();
beforeAll(async () => {
  if (!canRun) return;
  await Promise.all(VERSIONS.map(async (version) => servers.set(version, await startPostgres({}, version))));
});
afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => server[Symbol.asyncDispose]()));
});

const on = async (version: Version): Promise<TriedDatabase> => openPostgres(servers.get(version)!);
/** The set of one database. */
const setOf = ({ address }: TriedDatabase) => ({
  name: 'test',
  roots: [],
  databases: [{ name: 'crm', address: async () => Promise.resolve({ ...address, name: 'crm' }) }],
});
const readCheck = async (tried: TriedDatabase, user: string) => {
  const url = new URL(tried.address.url);
  [url.username, url.password] = [user, user];
  await using connection = await postgresql.connect({ ...tried.address, url: url.href }, {});
  return (await connection.describe({})).checks.find(({ name }) => name === 'privilege to read')!;
};

/** Two backups of one server; the rows that differ are put back on another, where the newer ones stand. */
async function rowsComeBack(source: TriedDatabase, live: TriedDatabase): Promise<void> {
  await using built = await buildVault();
  const old = `CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, born date,
      price numeric(12, 4), twice int GENERATED ALWAYS AS (id * 2) STORED);
    CREATE TABLE offer (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer);
    INSERT INTO customer (name, born, price) VALUES ('a ''b" \\ 😀', '0044-03-15 BC', 1.5), ('two', 'infinity', NULL), ('', NULL, 0);
    INSERT INTO offer VALUES (10, 1), (20, 2)`;
  const changes = `DELETE FROM offer; DELETE FROM customer WHERE id = 1; UPDATE customer SET born = NULL WHERE id = 2;
    INSERT INTO customer (name) VALUES ('new'); INSERT INTO offer VALUES (30, 4)`;
  await source.run(old);
  const rows = async (tried: TriedDatabase) => [await tried.rows('customer'), await tried.rows('offer')];
  const before = await rows(source);
  const from = await backUp(built.vault, setOf(source), { kind: 'full' });
  await source.run(changes);
  const to = await backUp(built.vault, setOf(source), { kind: 'auto' });
  if (live !== source) await live.run(`${old}; ${changes}`);
  await using compared = await openDatabase(built.vault, { from, to, paths: [] }, 'crm', () => undefined, {});
  const selections = [];
  for (const table of ['tables/public.customer', 'tables/public.offer']) {
    const page = await readRowPage(compared!, compareTable(compared!, table), { limit: 10 }, {});
    selections.push({ table, keys: page.rows.map(({ key }) => key) });
  }
  expect(selections.map(({ keys }) => keys.flat())).toEqual([
    ['1', '2', '4'],
    ['10', '20', '30'],
  ]);
  const request = {
    compared: compared!,
    side: 'before',
    selections,
    overwrite: false,
    dependents: false,
  } as const;
  await restoreRows(setOf(live).databases[0]!, request, {});
  expect(await rows(live)).toEqual(before);
}

for (const version of [13, 14] as const) {
  describe.skipIf(!canRun)(`a server of PostgreSQL ${version}`, () => {
    databaseConformance(`PostgreSQL ${version}`, async () => on(version), { brief: true });

    it('gives back rows that changed', async () => {
      await using tried = await on(version);
      await rowsComeBack(tried, tried);
    });

    it('gives back the rows of a partition untouched by triggers', async () => {
      await using tried = await on(version);
      await using built = await buildVault();
      await using folder = temporaryFolder();
      await tried.run(
        `CREATE TABLE visit (id int PRIMARY KEY, changed int) PARTITION BY RANGE (id);
         CREATE TABLE visit_all PARTITION OF visit DEFAULT PARTITION BY RANGE (id);
         CREATE TABLE visit_1 PARTITION OF visit_all FOR VALUES FROM (1) TO (100);
         CREATE TABLE call (visit int REFERENCES visit);
         INSERT INTO visit VALUES (1, 0), (2, 0); INSERT INTO call VALUES (1);
         CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.changed := new.changed + 1; RETURN new; END $$;
         CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fired'; END $$;
         CREATE TRIGGER counts BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION counts();
         CREATE CONSTRAINT TRIGGER fires AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION fires()`,
      );
      const rows = await tried.rows('visit');
      const objects = await tried.objects();
      const record = await backUp(built.vault, setOf(tried), { kind: 'full' });
      await tried.run('UPDATE visit SET changed = 7');
      const paths = ['databases/crm/tables/public.visit_1'];
      const restoring = { home: join(folder.path, 'home'), set: setOf(tried), safetyBackup: false };
      await restore(built.vault, record, { ...restoring, endSessions: true, paths });
      expect(await tried.rows('visit')).toBe(rows);
      expect(await tried.objects()).toBe(objects);
      // They are switched on again.
      await expect(tried.run('INSERT INTO visit VALUES (3, 0)')).rejects.toThrow('fired');
    });

    it('is read by an account that was granted what the hint says', async () => {
      await using tried = await on(version);
      await tried.run(
        `CREATE SCHEMA "Odd ""one"; CREATE TABLE "Odd ""one".a (id serial PRIMARY KEY); CREATE TABLE b (id int);
         DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader'`,
      );
      const { status, hint } = await readCheck(tried, 'reader');
      expect(status).toBe('failed');
      await tried.run(/GRANT .*/.exec(hint)![0]);
      expect(await readCheck(tried, 'reader')).toMatchObject({ status: 'ok' });
      await tried.run('DROP OWNED BY reader; DROP ROLE reader');
    });
  });
}

describe.skipIf(!canRun)('a server of PostgreSQL 18', () => {
  it.each([13, 14] as const)('takes everything a backup of an older one holds: %s', async (older) => {
    await using source = await on(older);
    await using live = await on(18);
    await source.run(source.dialect.everyType);
    await source.run(source.dialect.everyObject);
    const dump = await dumpToMemory(postgresql, source.address);
    await using target = await postgresql.openTarget(live.address, live.other, {});
    const request = { restoreId: 'c0ffee', tables: undefined, mayEndSessions: false };
    const { ticket } = await target.plan(dump, request, {});
    await target.build(dump, ticket, {});
    await target.switch(ticket);
    await target.clear(ticket);
    for (const table of ['every_type', ...source.dialect.someTables]) {
      expect(await live.rows(table, live.other)).toBe(await source.rows(table));
    }
  });

  it('gives back rows that changed', async () => {
    await using source = await on(14);
    await using live = await on(18);
    await rowsComeBack(source, live);
  });

  it('is left as it is by client tools that are too old, and they are named', async ({ skip }) => {
    await using source = await on(14);
    await using live = await on(18);
    await using built = await buildVault();
    await using folder = temporaryFolder();
    const sentence =
      /^The database’s schema cannot be read: pg_dump [\d.]+ .* is older than the server, PostgreSQL 18\./;
    await using connection = await postgresql.connect(live.address, {});
    const { product, checks } = await connection.describe({});
    expect(product).toMatch(/^PostgreSQL 18\./);
    const [failed, ...others] = checks.filter(({ status }) => status !== 'ok');
    if (failed === undefined) skip('the client tools are new enough');
    expect(failed).toMatchObject({
      name: 'client tools',
      detail: expect.stringMatching(sentence) as string,
    });
    expect(others).toEqual([]);
    await connection[Symbol.asyncDispose]();
    await source.run(source.dialect.many(10));
    await live.run(live.dialect.accounts);
    const accounts = await live.rows('account');
    const surroundings = await live.surroundings();

    mkdirSync(join(folder.path, 'files'));
    const roots = [{ name: 'workspace', directory: folder.path, include: ['files'], exclude: [] }];
    const partial = await backUp(built.vault, { ...setOf(live), roots }, { kind: 'full' });
    expect(partial).toMatchObject({
      status: 'partial',
      problems: [{ message: expect.stringMatching(sentence) as string }],
    });

    const record = await backUp(built.vault, setOf(source), { kind: 'full' });
    const restoring = { home: join(folder.path, 'home'), set: setOf(live), endSessions: true };
    const safely = restore(built.vault, record, { ...restoring, safetyBackup: true });
    await expect(safely).rejects.toMatchObject({ code: 'no-safety-backup' });
    // Also with files beside it, of which there can be one.
    const withFiles = await backUp(built.vault, { ...setOf(source), roots }, { kind: 'full' });
    const both = { ...restoring, set: { ...setOf(live), roots }, safetyBackup: true };
    await expect(restore(built.vault, withFiles, both)).rejects.toThrow(
      /older than the server, PostgreSQL 18/,
    );
    expect(await live.rows('account')).toBe(accounts);
    expect(await live.surroundings()).toBe(surroundings);
    await restore(built.vault, record, { ...restoring, safetyBackup: false });
    expect(await live.rows('many')).toBe(await source.rows('many'));
    expect(await live.surroundings()).toBe(surroundings);
  });

  it('keeps for the restoring user what it may not give to a role, though a member of it', async () => {
    await using source = await on(14);
    await using live = await on(18);
    await source.run(
      `DROP ROLE IF EXISTS team; CREATE ROLE team; CREATE TABLE deal (id int PRIMARY KEY); ALTER TABLE deal OWNER TO team`,
    );
    const dump = await dumpToMemory(postgresql, source.address);
    await live.run(
      `DROP ROLE IF EXISTS team, app; CREATE ROLE team; CREATE ROLE app LOGIN PASSWORD 'app' CREATEDB;
       GRANT team TO app WITH SET FALSE`,
    );
    const url = new URL(live.address.url);
    [url.username, url.password] = ['app', 'app'];
    await using target = await postgresql.openTarget({ ...live.address, url: url.href }, live.other, {});
    const request = { restoreId: 'c0ffee', tables: undefined, mayEndSessions: false };
    const { ticket, notices } = await target.plan(dump, request, {});
    expect(notices.join()).toMatch(/“app” may give nothing to .*“team”/);
    await target.build(dump, ticket, {});
    await target.switch(ticket);
    await target.clear(ticket);
    expect(await live.rows("(SELECT tableowner FROM pg_tables WHERE tablename = 'deal')", live.other)).toBe(
      '(app)',
    );
  });

  it('has no key in columns that are only promised to be NOT NULL', async () => {
    await using live = await on(18);
    await live.run(
      `CREATE TABLE promised (a int UNIQUE, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL);
       INSERT INTO promised VALUES (NULL), (NULL); ALTER TABLE promised ADD NOT NULL a NOT VALID;
       CREATE TABLE kept (a int UNIQUE NOT NULL)`,
    );
    await using editor = await editRows(live.address, {});
    expect(await editor.table('public', 'promised')).toMatchObject({ columns: [{ name: 'a' }], key: [] });
    expect(await editor.table('public', 'kept')).toMatchObject({ key: [0] });
  });
});
