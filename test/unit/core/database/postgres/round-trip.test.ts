import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import type { DumpSource } from '../../../../../src/core/database/engine.ts';
import { dumpToMemory, type MemoryDump } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';

const data = path.resolve(import.meta.dirname, '../../../../../../shared/data');
const build = path.resolve(import.meta.dirname, '../../../../build');

/** Everything of a dump that a second one of the same database must have again. */
function comparable({ content, info, tables }: MemoryDump) {
  const texts = [...content].map(([name, bytes]) => [name, bytes.toString('latin1')] as const);
  return { content: new Map(texts.sort()), info: { ...info, database: '' }, tables };
}

describe.skipIf(!hasPostgres())('A PostgreSQL database', { timeout: 180_000 }, () => {
  let server: PostgresServer;
  let restores = 0;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql('postgres', 'CREATE ROLE postgres SUPERUSER');
    await server.sql('postgres', "CREATE DATABASE every TEMPLATE template0 LOCALE 'C'");
    server.load('every', path.join(build, 'postgres-types.sql'));
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const addressOf = (database: string) => ({ name: 'crm', url: server.url(database), workspace: '/' });
  const dump = async (database: string) => dumpToMemory(postgresql, addressOf(database));
  async function restore(source: DumpSource, database: string, target?: string): Promise<void> {
    await using restoring = await postgresql.openTarget(addressOf(database), target, {});
    const request = { restoreId: `t${restores++}`, tables: undefined, mayEndSessions: false };
    const { ticket, creates } = await restoring.plan(source, request, {});
    expect(creates).toBe(target !== undefined);
    await restoring.build(source, JSON.parse(JSON.stringify(ticket)) as typeof ticket, {});
    await restoring.switch(ticket);
    await restoring.clear(ticket);
    const left = await server.sql('postgres', 'SELECT datname FROM pg_database');
    expect(left.filter(({ datname }) => /_(new|old)_/.test(String(datname)))).toEqual([]);
  }

  it('comes back bit by bit with every type and every kind of object', async () => {
    const before = await dump('every');
    expect(before.problems).toEqual([]);
    await server.sql(
      'every',
      'DROP SCHEMA crm CASCADE; SELECT lo_unlink(4242); ALTER DATABASE every RESET ALL',
    );
    await restore(before, 'every');
    expect(comparable(await dump('every'))).toEqual(comparable(before));
  });

  it('is written the same twice when nothing has changed', async () => {
    expect(comparable(await dump('every'))).toEqual(comparable(await dump('every')));
  });

  it('has its rows in the order of the key’s bytes', async () => {
    const source = await dump('every');
    const keys = source
      .text('tables/crm.text_key')
      .trimEnd()
      .split('\n')
      .map((line) => Buffer.from(line.split('\t')[0]!.replace('\\t', '\t')));
    expect(keys).toHaveLength(7);
    expect(keys).toEqual([...keys].sort((a, b) => Buffer.compare(a, b)));
  });

  it('goes into another database and leaves its own alone', async () => {
    const before = await dump('every');
    await server.sql('every', "INSERT INTO crm.text_key VALUES ('later', 9)");
    await restore(before, 'every', 'every_test');
    expect(comparable(await dump('every_test'))).toEqual(comparable(before));
    expect(await server.sql('every', "SELECT value FROM crm.text_key WHERE name = 'later'")).toEqual([
      { value: 9 },
    ]);
  });

  it('holds rows of 20 MB', async () => {
    await server.sql('postgres', 'CREATE DATABASE large');
    await server.sql(
      'large',
      `CREATE TABLE document (id int PRIMARY KEY, body bytea, note text);
       INSERT INTO document SELECT g, decode(repeat(md5(g::text), 655360), 'hex'), repeat(E'x\\t', 100000)
       FROM generate_series(1, 2) g`,
    );
    const before = await dump('large');
    await server.sql('large', 'TRUNCATE document');
    await restore(before, 'large');
    const [row] = await server.sql(
      'large',
      'SELECT sum(length(body))::text AS bytes, count(*)::text AS rows FROM document',
    );
    expect(row).toEqual({ bytes: '20971520', rows: '2' });
  });

  it('is written for psql, which loads it by itself', async () => {
    const fs = await import('node:fs/promises');
    const os = await import('node:os');
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'crm-backup-extract-'));
    try {
      const source = await dump('every');
      await postgresql.extract(source, folder, {});
      await server.sql('postgres', "CREATE DATABASE extracted TEMPLATE template0 LOCALE 'C'");
      server.load('extracted', path.join(folder, 'database.sql'));
      const loaded = await dump('extracted');
      expect(loaded.info.objects).toEqual(source.info.objects);
      const rows = ({ tables }: DumpSource) =>
        tables
          .filter(({ schema }) => schema !== 'pg_catalog')
          .map(({ path: name, checksum }) => [name, checksum]);
      expect(rows(loaded)).toEqual(rows(source));
    } finally {
      await fs.rm(folder, { recursive: true });
    }
  });

  it.skipIf(!existsSync(path.join(data, 'pagila')))('comes back as it was: Pagila', async () => {
    await server.sql('postgres', 'CREATE DATABASE pagila');
    server.load('pagila', path.join(data, 'pagila/pagila-schema.sql'));
    server.load('pagila', path.join(data, 'pagila/pagila-data.sql'));
    const before = await dump('pagila');
    expect(before.tables.length).toBeGreaterThan(15);
    await server.sql('pagila', 'DELETE FROM payment; DROP TABLE film_actor CASCADE');
    await restore(before, 'pagila');
    expect(comparable(await dump('pagila'))).toEqual(comparable(before));
  });

  it.skipIf(!existsSync(path.join(data, 'chinook')))('comes back as it was: Chinook', async () => {
    server.load('postgres', path.join(data, 'chinook/Chinook_PostgreSql.sql'));
    const before = await dump('chinook');
    expect(before.tables.length).toBe(11);
    await server.sql('chinook', 'UPDATE track SET unit_price = 0');
    await restore(before, 'chinook');
    expect(comparable(await dump('chinook'))).toEqual(comparable(before));
  });
});
