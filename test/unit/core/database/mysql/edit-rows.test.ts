import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../../../build/mariadb-server.ts';

let server: MariaDbServer;

describe.skipIf(!hasMariaDb)('a row of MariaDB', () => {
  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('is found by its key whatever its columns are called', async () => {
    await server.run(
      undefined,
      'CREATE DATABASE crm',
      'CREATE TABLE crm.odd (`first ORDER BY second` INT PRIMARY KEY, note TEXT)',
      "INSERT INTO crm.odd VALUES (1, 'kept'), (2, 'other')",
    );
    await using editor = await mysql.editRows!({ name: 'crm', url: server.url('crm'), workspace: '/' }, {});
    const table = await editor.table('crm', 'odd');
    const row = await editor.lock(table!, [Buffer.from('1')]);
    expect(row?.map(String)).toEqual(['1', 'kept']);
  });
});
