import { afterAll, beforeAll, describe, vi } from 'vitest';
import { databaseConformance } from '../../../../build/database-conformance.ts';
import { openPostgres } from '../../../../build/database-postgres.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';

vi.setConfig({ testTimeout: 180_000 });

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  databaseConformance('PostgreSQL', async () => openPostgres(server));
});
