import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DumpSource, RestoreTarget } from '../../../../../src/core/database/engine.ts';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import { dumpToMemory } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';

describe.skipIf(!hasPostgres())('A PostgreSQL restore', { timeout: 180_000 }, () => {
  let server: PostgresServer;
  let restores = 0;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql('postgres', "CREATE ROLE app LOGIN PASSWORD 'app-password'");
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.sql('postgres', 'CREATE DATABASE crm OWNER app');
    await server.sql(
      'crm',
      `SET ROLE app;
       CREATE SCHEMA sales;
       CREATE TABLE account (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, parent int REFERENCES account);
       CREATE TABLE sales.deal (id serial PRIMARY KEY, account int NOT NULL REFERENCES account ON DELETE CASCADE, stage text);
       INSERT INTO account (name, parent) VALUES ('a', NULL), ('b', 1), ('c', 2);
       INSERT INTO sales.deal (account, stage) SELECT 1 + g % 3, 'open' FROM generate_series(1, 30) g;
       CREATE FUNCTION sales.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fired'; END $$;
       CREATE VIEW sales.open AS SELECT * FROM sales.deal WHERE stage = 'open';
       CREATE TRIGGER fires BEFORE INSERT OR TRUNCATE ON account EXECUTE FUNCTION sales.fires();
       CREATE RULE nothing AS ON INSERT TO account WHERE new.name = 'b' DO INSTEAD NOTHING`,
    );
  });
  afterEach(async () => server.sql('postgres', 'DROP DATABASE crm WITH (FORCE)'));

  const address = () => ({ name: 'crm', url: server.url('crm', 'app', 'app-password'), workspace: '/' });
  const dump = async () => dumpToMemory(postgresql, address());
  const target = async (): Promise<RestoreTarget> => postgresql.openTarget(address(), undefined, {});
  const request = (tables?: string[], mayEndSessions = false) => ({
    restoreId: `w${restores++}`,
    tables,
    mayEndSessions,
  });
  const rows = async () => ({
    accounts: await server.sql('crm', 'SELECT id, name, parent FROM account ORDER BY id'),
    deals: await server.sql('crm', 'SELECT id, account, stage FROM sales.deal ORDER BY id'),
  });
  const beside = async () =>
    server.sql('crm', "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'crm_backup%'");

  describe('by a user that may not create databases', () => {
    it('builds schemas beside, switches and takes back, in any process', async () => {
      const source = await dump();
      const before = await rows();
      await server.sql(
        'crm',
        "UPDATE sales.deal SET stage = 'lost'; DROP VIEW sales.open; CREATE TABLE later (id int)",
      );
      await server.sql('crm', 'ALTER TABLE later OWNER TO app');
      const changed = await rows();
      const first = await target();
      const { ticket, notices } = await first.plan(source, request(), {});
      expect(notices.join()).toMatch(/may not create databases/);
      await first.build(source, JSON.parse(JSON.stringify(ticket)) as typeof ticket, {});
      await first[Symbol.asyncDispose]();
      expect(await rows()).toEqual(changed);
      await using second = await target();
      await second.switch(ticket);
      await second.switch(ticket);
      expect(await rows()).toEqual(before);
      await second.switchBack(ticket);
      await second.switchBack(ticket);
      expect(await rows()).toEqual(changed);
      await second.switch(ticket);
      await second.clear(ticket);
      await second.clear(ticket);
      expect(await beside()).toEqual([]);
      const after = await dump();
      expect(after.info.objects).toEqual(source.info.objects);
      expect(after.tables).toEqual(source.tables);
      expect(await server.sql('crm', "SELECT to_regclass('public.later') AS later")).toEqual([
        { later: null },
      ]);
    });

    it('leaves all as it was when building fails', async () => {
      const source = await dump();
      const before = await rows();
      const broken: DumpSource = {
        ...source,
        async *read(path) {
          for await (const block of source.read(path))
            yield path.endsWith('deal') ? block.subarray(0, -20) : block;
        },
      };
      await using restoring = await target();
      const { ticket } = await restoring.plan(source, request(), {});
      await expect(restoring.build(broken, ticket, {})).rejects.toThrow();
      await restoring.clear(ticket);
      expect(await rows()).toEqual(before);
      expect(await beside()).toEqual([]);
    });

    it('is refused before for what cannot stand twice in a database', async () => {
      await server.sql('crm', 'SET ROLE app; CREATE EXTENSION citext');
      const source = await dump();
      await using restoring = await target();
      await expect(restoring.plan(source, request(), {})).rejects.toMatchObject({ code: 'cannot-hold' });
    });

    it('is refused for a database that does not exist', async () => {
      const source = await dump();
      await using restoring = await postgresql.openTarget(address(), 'crm_test', {});
      await expect(restoring.plan(source, request(), {})).rejects.toMatchObject({
        code: 'missing-privilege',
      });
    });
  });

  describe('of single tables', () => {
    const account = 'tables/public.account';

    it('puts the rows back without touching what refers to them', async () => {
      const source = await dump();
      const before = await rows();
      await server.sql('crm', "UPDATE account SET name = 'changed'; UPDATE sales.deal SET stage = 'won'");
      const changed = await rows();
      const first = await target();
      const { ticket, notices, tables } = await first.plan(source, request([account]), {});
      expect(tables).toBe(1);
      expect(notices.join()).toContain('sales.deal refers to public.account');
      await first.build(source, JSON.parse(JSON.stringify(ticket)) as typeof ticket, {});
      await first[Symbol.asyncDispose]();
      expect(await rows()).toEqual(changed);
      await using second = await target();
      await second.switch(ticket);
      await second.switch(ticket);
      expect(await rows()).toEqual({ accounts: before.accounts, deals: changed.deals });
      await second.switchBack(ticket);
      await second.switchBack(ticket);
      expect(await rows()).toEqual(changed);
      await second.switch(ticket);
      await second.clear(ticket);
      expect(await beside()).toEqual([]);
      const after = await dump();
      expect(after.content.get('schema/post-data.sql')).toEqual(source.content.get('schema/post-data.sql'));
      // New rows get new numbers.
      await server.sql('crm', 'ALTER TABLE account DISABLE TRIGGER fires; DROP RULE nothing ON account');
      const [added] = await server.sql('crm', "INSERT INTO account (name) VALUES ('d') RETURNING id");
      expect(added?.['id']).toBeGreaterThan(3);
    });

    it('finds the rows of a table without a key whole in whatever order they come to lie', async () => {
      await server.sql(
        'crm',
        // Such a table lies in the order it was made in; what is loaded fills gaps.
        `SET ROLE app; CREATE TABLE log AS SELECT g AS at, repeat('x', abs(hashint4(g)) % 1800) AS line
         FROM generate_series(1, 5000) g`,
      );
      const source = await dump();
      const before = await server.sql('crm', 'SELECT * FROM log ORDER BY at');
      await server.sql('crm', "UPDATE log SET line = 'changed'");
      await using restoring = await target();
      const { ticket } = await restoring.plan(source, request(['tables/public.log']), {});
      await restoring.build(source, ticket, {});
      await restoring.switch(ticket);
      await restoring.clear(ticket);
      expect(await server.sql('crm', 'SELECT * FROM log ORDER BY at')).toEqual(before);
    });

    it('restores nothing when rows that refer to it would be orphans', async () => {
      await server.sql(
        'crm',
        'ALTER TABLE account DISABLE TRIGGER fires; ALTER TABLE account DISABLE RULE nothing',
      );
      const source = await dump();
      await server.sql(
        'crm',
        "INSERT INTO account (name) VALUES ('new'); INSERT INTO sales.deal (account) VALUES (4)",
      );
      const before = await rows();
      await using restoring = await target();
      const { ticket } = await restoring.plan(source, request([account]), {});
      await restoring.build(source, ticket, {});
      await expect(restoring.switch(ticket)).rejects.toThrow(/deal_account_fkey/);
      await restoring.clear(ticket);
      expect(await rows()).toEqual(before);
      expect(await beside()).toEqual([]);
    });

    it('is refused for tables that have changed their columns or are not there', async () => {
      const source = await dump();
      await using restoring = await target();
      await expect(restoring.plan(source, request(['tables/public.none']), {})).rejects.toMatchObject({
        code: 'not-in-backup',
      });
      await server.sql('crm', 'ALTER TABLE account ADD COLUMN more int');
      await expect(restoring.plan(source, request([account]), {})).rejects.toMatchObject({
        code: 'cannot-hold',
      });
    });
  });
});
