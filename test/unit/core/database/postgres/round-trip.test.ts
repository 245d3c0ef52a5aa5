import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import type { DumpSource } from '../../../../../src/core/database/engine.ts';
import { dumpToMemory, type MemoryDump } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';

const data = path.resolve(import.meta.dirname, '../../../../../../shared/data');

/** Everything of a dump that a second one of the same database must have again. */
function comparable(dump: MemoryDump) {
  const { version: _version, ...details } = dump.info.details;
  return {
    content: new Map([...dump.content].sort()),
    objects: dump.info.objects,
    details,
    tables: dump.tables,
  };
}

describe.skipIf(!hasPostgres())('A PostgreSQL database', { timeout: 180_000 }, () => {
  let server: PostgresServer;
  let restores = 0;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql('postgres', 'CREATE ROLE postgres SUPERUSER');
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const addressOf = (database: string) => ({ name: 'crm', url: server.url(database), workspace: '/' });
  const dump = async (database: string) => dumpToMemory(postgresql, addressOf(database));
  async function restore(source: DumpSource, database: string): Promise<void> {
    await using target = await postgresql.openTarget(addressOf(database), undefined, {});
    const request = { restoreId: `t${restores++}`, tables: undefined, mayEndSessions: false };
    const { ticket } = await target.plan(source, request, {});
    await target.build(source, JSON.parse(JSON.stringify(ticket)) as typeof ticket, {});
    await target.switch(ticket);
    await target.clear(ticket);
  }

  it.skipIf(!existsSync(path.join(data, 'pagila')))('comes back as it was: Pagila', async () => {
    await server.sql('postgres', 'CREATE DATABASE pagila');
    server.load('pagila', path.join(data, 'pagila/pagila-schema.sql'));
    server.load('pagila', path.join(data, 'pagila/pagila-data.sql'));
    const before = await dump('pagila');
    expect(before.tables.length).toBeGreaterThan(15);
    await server.sql(
      'pagila',
      'DELETE FROM payment; DROP TABLE film_actor CASCADE; UPDATE actor SET first_name = NULL WHERE false',
    );
    await restore(before, 'pagila');
    expect(comparable(await dump('pagila'))).toEqual(comparable(before));
  });
});
