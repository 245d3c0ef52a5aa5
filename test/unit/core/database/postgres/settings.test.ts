import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DumpSource } from '../../../../../src/core/database/engine.ts';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import { dumpToMemory } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';
import { mayMountDisks, smallDisk } from '../../../../build/small-disk.ts';
import { temporaryFolder } from '../../../../build/tree.ts';

/** With these an ordinary session would write values otherwise, refuse to write, or be ended. */
const HOSTILE = [
  'default_transaction_read_only = on',
  'default_transaction_isolation = serializable',
  'default_transaction_deferrable = on',
  "DateStyle = 'German, DMY'",
  "IntervalStyle = 'sql_standard'",
  "TimeZone = 'Asia/Kolkata'",
  "bytea_output = 'escape'",
  'extra_float_digits = -15',
  "xmlbinary = 'hex'",
  "xmloption = 'document'",
  'standard_conforming_strings = off',
  "client_encoding = 'LATIN1'",
  'array_nulls = off',
  'quote_all_identifiers = on',
  'transform_null_equals = on',
  'row_security = off',
  "session_replication_role = 'replica'",
  "statement_timeout = '300ms'",
  "lock_timeout = '200ms'",
  "idle_in_transaction_session_timeout = '200ms'",
  "idle_session_timeout = '200ms'",
  "search_path = 'pg_temp'",
  'check_function_bodies = on',
  'backslash_quote = on',
  'enable_seqscan = off',
  "work_mem = '64kB'",
  "client_min_messages = 'debug1'",
];

describe.skipIf(!hasPostgres())(
  'A PostgreSQL database with settings of its own',
  { timeout: 180_000 },
  () => {
    let server: PostgresServer;
    let restores = 0;
    beforeAll(async () => {
      server = await startPostgres({ max_prepared_transactions: '5', wal_level: 'logical' });
      await server.sql('postgres', "CREATE ROLE careful SUPERUSER LOGIN PASSWORD 'careful'");
      await server.sql('postgres', 'CREATE DATABASE crm');
      await server.sql(
        'crm',
        `CREATE TABLE value (id int PRIMARY KEY, d date, i interval, t timestamptz, b bytea, f float8, x xml, a text[], s text, m money);
       INSERT INTO value VALUES (1, '2024-02-29', '-1 days +02:03', '2024-01-01 12:00+00', '\\x00ff5c', 0.1, '<a/>', '{NULL,"a"}', E'ü😀\\\\', 1.5);
       INSERT INTO value (id, s) SELECT g, repeat(md5(g::text), 30) FROM generate_series(2, 20000) g;
       CREATE TABLE child (id serial PRIMARY KEY, value int NOT NULL REFERENCES value, "Name" text DEFAULT 'x');
       INSERT INTO child (value) SELECT g FROM generate_series(1, 5000) g;
       CREATE VIEW joined AS SELECT v.id, "Name" FROM value v JOIN child c ON c.value = v.id WHERE d = NULL;
       CREATE FUNCTION later() RETURNS text LANGUAGE sql AS 'SELECT s FROM public.value';
       CREATE INDEX ON value (md5(s)); CREATE INDEX ON child (value)`,
      );
    });
    afterAll(async () => server[Symbol.asyncDispose]());
    const reset = async () =>
      server.sql('postgres', 'ALTER ROLE careful RESET ALL; ALTER DATABASE crm RESET ALL');
    afterEach(reset);

    const address = () => ({ name: 'crm', url: server.url('crm', 'careful', 'careful'), workspace: '/' });
    async function restore(source: DumpSource): Promise<void> {
      await using target = await postgresql.openTarget(address(), undefined, {});
      const request = { restoreId: `h${restores++}`, tables: undefined, mayEndSessions: false };
      const { ticket } = await target.plan(source, request, {});
      await target.build(source, ticket, {});
      await target.switch(ticket);
      await target.clear(ticket);
    }
    const texts = ({ content }: { content: ReadonlyMap<string, Buffer> }) =>
      new Map([...content].map(([name, bytes]) => [name, bytes.toString('latin1')] as const).sort());

    it('is read and restored as with none', async () => {
      const plain = await dumpToMemory(postgresql, address());
      const rows = (dump: typeof plain) => [...texts(dump)].filter(([name]) => name.startsWith('tables/'));
      for (const setting of HOSTILE) {
        await server.sql('postgres', `ALTER DATABASE crm SET ${setting}`);
        await server.sql('postgres', `ALTER ROLE careful SET ${setting}`);
      }
      const dump = await dumpToMemory(
        postgresql,
        address(),
        async () => new Promise((resolve) => setTimeout(resolve, 800)),
      );
      expect(rows(dump)).toEqual(rows(plain));
      await restore(dump);
      const again = await dumpToMemory(postgresql, address());
      expect(texts(again)).toEqual(texts(dump));
      expect(again.info).toEqual(dump.info);
      expect((again.info.details['settings'] as unknown[]).length).toBe(HOSTILE.length);
      await reset();
      // What was written by a session that quotes every name means the same.
      expect(texts(await dumpToMemory(postgresql, address()))).toEqual(texts(plain));
    });

    it('is restored with event triggers that forbid everything, and they are there again', async () => {
      await server.sql(
        'crm',
        `CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'forbidden'; END $$;
       CREATE PUBLICATION everything FOR ALL TABLES;
       CREATE EVENT TRIGGER no_drop ON sql_drop EXECUTE FUNCTION forbid();
       CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION forbid()`,
      );
      const dump = await dumpToMemory(postgresql, address());
      await restore(dump);
      const again = await dumpToMemory(postgresql, address());
      expect(texts(again)).toEqual(texts(dump));
      await expect(server.sql('crm', 'CREATE TABLE another (id int)')).rejects.toThrow('forbidden');
      await server.sql(
        'crm',
        'DROP EVENT TRIGGER no_ddl; DROP EVENT TRIGGER no_drop; DROP PUBLICATION everything',
      );
    });

    it('is not read by client tools that are older than its server, and says which are needed', async () => {
      await using folder = temporaryFolder();
      for (const name of ['pg_dump', 'pg_restore'])
        writeFileSync(join(folder.path, name), `#!/bin/sh\necho "${name} (PostgreSQL) 9.6.24"\n`, {
          mode: 0o755,
        });
      const dumping = dumpToMemory(postgresql, { ...address(), tools: folder.path });
      await expect(dumping).rejects.toMatchObject({
        code: 'missing-tool',
        message: expect.stringMatching(/9\.6\.24 .* is older than the server/) as string,
        hint: expect.stringContaining('postgresql-client-') as string,
      });
      await using connection = await postgresql.connect({ ...address(), tools: folder.path }, {});
      const { checks } = await connection.describe({});
      expect(checks.find(({ name }) => name === 'client tools')).toMatchObject({ status: 'failed' });
    });

    it('is only said to be replaceable by who may replace it', async () => {
      await server.sql(
        'postgres',
        "CREATE ROLE stranger LOGIN CREATEDB PASSWORD 'pw'; GRANT pg_read_all_data TO stranger",
      );
      const dump = await dumpToMemory(postgresql, address());
      const asStranger = { ...address(), url: server.url('crm', 'stranger', 'pw') };
      const told = async () => {
        await using connection = await postgresql.connect(asStranger, {});
        return (await connection.describe({})).checks.find(({ name }) => name === 'privilege to restore')!;
      };
      const plan = async () => {
        await using target = await postgresql.openTarget(asStranger, undefined, {});
        await target.plan(dump, { restoreId: 'owner', tables: undefined, mayEndSessions: true }, {});
      };
      const { status, hint } = await told();
      expect(status).toBe('warning');
      await expect(plan()).rejects.toMatchObject({ code: 'missing-privilege' });
      const [{ owner } = {}] = await server.sql(
        'postgres',
        "SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = 'crm'",
      );
      await server.sql('postgres', hint.replace('Run as an administrator: ', ''));
      expect((await told()).status).toBe('ok');
      await plan();
      await server.sql('postgres', `ALTER DATABASE crm OWNER TO "${String(owner)}"`);
    });

    it('that is a template is one again, and the old one goes', async () => {
      await server.sql('postgres', 'ALTER DATABASE crm IS_TEMPLATE true');
      const dump = await dumpToMemory(postgresql, address());
      await restore(dump);
      const found = await server.sql(
        'postgres',
        "SELECT datname, datistemplate FROM pg_database WHERE datname LIKE 'crm%'",
      );
      expect(found).toEqual([{ datname: 'crm', datistemplate: true }]);
      await server.sql('postgres', 'ALTER DATABASE crm IS_TEMPLATE false');
    });

    it('that a prepared transaction holds is not built for nothing', async () => {
      const dump = await dumpToMemory(postgresql, address());
      await server.sql('crm', "BEGIN; UPDATE child SET value = 1 WHERE id = 1; PREPARE TRANSACTION 'held'");
      await expect(restore(dump)).rejects.toMatchObject({
        code: 'in-use',
        message: expect.stringContaining('held') as string,
      });
      await server.sql('crm', "ROLLBACK PREPARED 'held'");
      await restore(dump);
    });

    it('that a replication slot reads is not built for nothing', async () => {
      const dump = await dumpToMemory(postgresql, address());
      await server.sql('crm', "SELECT pg_create_logical_replication_slot('reader', 'test_decoding')");
      await expect(restore(dump)).rejects.toMatchObject({
        code: 'in-use',
        message: expect.stringContaining('reader') as string,
      });
      await server.sql('crm', "SELECT pg_drop_replication_slot('reader')");
    });
  },
);

describe.skipIf(!hasPostgres() || !mayMountDisks())(
  'PostgreSQL on a disk that fills up',
  { timeout: 120_000 },
  () => {
    it('leaves the live database, says that there is no space, and clears what was built', async () => {
      using disk = smallDisk(300_000_000);
      const before = process.env['TMPDIR'];
      process.env['TMPDIR'] = disk?.path;
      await using small = await startPostgres({ max_wal_size: '32MB' });
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      const live = { name: 'crm', url: small.url('crm'), workspace: '/' };
      await small.sql('postgres', 'CREATE DATABASE crm');
      await small.sql(
        'crm',
        'CREATE TABLE big (id int PRIMARY KEY, t text); INSERT INTO big SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, 40000) g; CHECKPOINT',
      );
      const dump = await dumpToMemory(postgresql, live);
      await using target = await postgresql.openTarget(live, undefined, {});
      const request = { restoreId: 'full', tables: undefined, mayEndSessions: false };
      const { ticket } = await target.plan(dump, request, {});
      const filled = disk!.fill(20_000_000);
      const failure = await target.build(dump, ticket, {}).catch((error: unknown) => error);
      filled[Symbol.dispose]();
      expect(failure).toMatchObject({ code: 'no-space' });
      await target.clear(ticket);
      expect(await small.sql('crm', 'SELECT count(*)::int AS n FROM big')).toEqual([{ n: 40_000 }]);
      const left = await small.sql('postgres', "SELECT datname FROM pg_database WHERE datname LIKE 'crm%'");
      expect(left).toEqual([{ datname: 'crm' }]);
    });
  },
);
