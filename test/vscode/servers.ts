import { hasMariaDb, startMariaDb } from '../build/mariadb-server.ts';
import { hasPostgres, startPostgres } from '../build/postgres-server.ts';
import { mariaDbVariable, postgresVariable } from './suite/servers.ts';

/** Database servers beside the suite. Disposing ends them. */
export interface Servers extends AsyncDisposable {
  /** Where each has an empty database. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the servers this machine has; the tests of the others are skipped by name. */
export async function startServers(): Promise<Servers> {
  await using parts = new AsyncDisposableStack();
  const environment: Record<string, string> = {};
  const [postgres, mariaDb] = await Promise.all([
    hasPostgres() ? startPostgres() : undefined,
    hasMariaDb ? startMariaDb() : undefined,
  ]);
  if (postgres !== undefined) {
    parts.use(postgres);
    await postgres.sql('postgres', 'CREATE DATABASE crm');
    environment[postgresVariable] = postgres.url('crm');
  }
  if (mariaDb !== undefined) {
    parts.use(mariaDb);
    await mariaDb.run(undefined, 'CREATE DATABASE crm CHARACTER SET utf8mb4');
    environment[mariaDbVariable] = mariaDb.url('crm');
  }
  const owned = parts.move();
  return { environment, [Symbol.asyncDispose]: async () => owned.disposeAsync() };
}
