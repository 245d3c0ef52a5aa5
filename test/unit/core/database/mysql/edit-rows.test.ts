import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rowStatement } from '../../../../../src/core/database/mysql/edit-rows.ts';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { valuesOf } from '../../../../../src/core/database/mysql/load-rows.ts';
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

  it('keeps the sign of a zero', async () => {
    const values = valuesOf(Buffer.from('-0\t0\t-0.5'), ['bare', 'bare', 'bare']).toString();
    const literals = values.slice(1, -1).split(',');
    // MariaDB neither shows nor stores it, as MySQL does, but reckons with it.
    const isNegative = literals.map((literal) => `ATAN(${literal}, -1) < 0`);
    expect(await server.rows(undefined, `SELECT ${isNegative.join(', ')}`)).toEqual([['1', '0', '1']]);
    const table = {
      schema: 'crm',
      name: 't',
      columns: [{ name: 'g', type: 'double' }],
      key: [],
      details: { literals: ['bare'] },
    };
    const edit = { change: 'insert', table, key: [], values: new Map([[0, Buffer.from('-0')]]) } as const;
    expect(rowStatement(edit)).toBe(`INSERT INTO \`t\` (\`g\`) VALUES (${literals[0]!})`);
  });
});
