import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import { dumpToMemory } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../../build/tree.ts';

const NOBODY = 65534;

describe.skipIf(!hasPostgres())('PostgreSQL tablespaces', { timeout: 180_000 }, () => {
  let server: PostgresServer;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await startPostgres();
    folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    for (const name of ['fast', 'slow one']) {
      const place = join(folder.path, name);
      mkdirSync(place);
      if (process.getuid?.() === 0) chownSync(place, NOBODY, NOBODY);
      await server.sql('postgres', `CREATE TABLESPACE "${name}" LOCATION '${place}'`);
    }
    await server.sql('postgres', 'CREATE DATABASE crm');
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Where everything with pages of its own is. */
  const places = async (database: string): Promise<string> => {
    const found = await server.sql(
      database,
      `SELECT c.relname, c.relkind, coalesce(t.spcname, 'default') AS place FROM pg_class c
       LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1`,
    );
    return JSON.stringify(found);
  };

  const restored = async (url = server.url('crm')): Promise<string> => {
    const address = { name: 'crm', url, workspace: '/' };
    const source = await dumpToMemory(postgresql, address);
    await using target = await postgresql.openTarget(address, 'again', {});
    const request = { restoreId: 't1', tables: undefined, mayEndSessions: true };
    const { ticket } = await target.plan(source, request, {});
    await target.build(source, ticket, {});
    await target.switch(ticket);
    await target.clear(ticket);
    return await places('again');
  };

  it('are those of before for every table and index, the first one and neighbours of other places, too', async () => {
    await server.sql('crm', 'CREATE TABLE a0 (id int) TABLESPACE fast');
    for (let number = 1; number < 12; number++) {
      const [table, index] = [number % 2, number % 3].map((at) => ['fast', '"slow one"', 'pg_default'][at]!);
      await server.sql(
        'crm',
        `CREATE TABLE t${number} (id int PRIMARY KEY USING INDEX TABLESPACE ${index}, name text) TABLESPACE ${table};
         CREATE INDEX ON t${number} (name) TABLESPACE ${table};
         INSERT INTO t${number} SELECT n, n::text FROM generate_series(1, 50) n`,
      );
    }
    await server.sql('crm', 'CREATE MATERIALIZED VIEW seen TABLESPACE "slow one" AS SELECT * FROM t1');
    const before = await places('crm');
    expect(before).toContain('slow one');
    expect(await restored()).toBe(before);
  });

  it('are that of the database itself, where whoever restores may use it', async () => {
    const home = async (database: string) =>
      server.sql(
        'postgres',
        `SELECT spcname FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE datname = '${database}'`,
      );
    await server.sql('postgres', 'CREATE DATABASE housed TABLESPACE "slow one"');
    await server.sql('housed', 'CREATE TABLE t (id int); CREATE TABLE u (id int) TABLESPACE pg_default');
    const before = await places('housed');
    expect(await restored(server.url('housed'))).toBe(before);
    expect(await home('again')).toEqual([{ spcname: 'slow one' }]);
    await server.sql(
      'postgres',
      "CREATE ROLE guest LOGIN CREATEDB PASSWORD 'g'; ALTER DATABASE housed OWNER TO guest",
    );
    await server.sql('housed', 'ALTER TABLE t OWNER TO guest; ALTER TABLE u OWNER TO guest');
    await server.sql('postgres', 'DROP DATABASE again');
    await restored(server.url('housed', 'guest', 'g'));
    expect(await home('again')).toEqual([{ spcname: 'pg_default' }]);
  });
});
