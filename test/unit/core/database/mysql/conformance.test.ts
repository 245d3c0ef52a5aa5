import { afterAll, beforeAll, describe } from 'vitest';
import { databaseConformance } from '../../../../build/database-conformance.ts';
import { openMariaDb } from '../../../../build/database-mariadb.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../../../build/mariadb-server.ts';

describe.skipIf(!hasMariaDb)('with a MariaDB server', () => {
  let server: MariaDbServer;
  beforeAll(async () => {
    server = await startMariaDb(['--local-infile=1']);
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  databaseConformance('MariaDB', async () => openMariaDb(server));
});
