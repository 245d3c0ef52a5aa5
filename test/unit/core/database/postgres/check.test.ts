import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePostgresAddress } from '../../../../../src/core/database/postgres/address.ts';
import { readBackStatements, readTables } from '../../../../../src/core/database/postgres/catalog.ts';
import { checkRows } from '../../../../../src/core/database/postgres/check.ts';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import { openSession, serverAt } from '../../../../../src/core/database/postgres/session.ts';
import { keepDump } from '../../../../build/kept-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';

let server: PostgresServer;

const address = () => ({ name: 'crm', url: server.url('crm'), workspace: '/' });

/** Compares a table as it is now with a dump of it. */
async function check(dump: Awaited<ReturnType<typeof keepDump>>): Promise<void> {
  await using session = await openSession(serverAt(address().url, parsePostgresAddress(address()), {}), {});
  const [table] = await readTables(session);
  await checkRows(session, dump.tables[0]!, { head: table!.head, reads: readBackStatements(table!) });
}

describe.skipIf(!hasPostgres())('rows that were loaded into PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql('postgres', 'CREATE DATABASE crm');
    await server.sql('crm', 'CREATE TABLE contact (id integer PRIMARY KEY, name text)');
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('are found whole in whatever order they lie, and others are told', async () => {
    await server.sql(
      'crm',
      "INSERT INTO contact SELECT 1000 - n, 'name ' || n FROM generate_series(1, 999) n",
    );
    const dump = await keepDump(postgresql, address());
    await check(dump);
    await server.sql('crm', 'CREATE TABLE sorted AS SELECT * FROM contact ORDER BY id');
    await server.sql('crm', 'TRUNCATE contact; INSERT INTO contact SELECT * FROM sorted; DROP TABLE sorted');
    await check(dump);
    await server.sql('crm', "UPDATE contact SET name = 'other' WHERE id = 7");
    await expect(check(dump)).rejects.toMatchObject({ code: 'check-failed' });
    await server.sql('crm', 'DELETE FROM contact WHERE id = 7');
    await expect(check(dump)).rejects.toMatchObject({ code: 'check-failed' });
  });
});
