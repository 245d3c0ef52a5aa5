import type { Task } from '../../task.ts';
import type { DatabaseAddress, DatabaseConnection } from '../engine.ts';
import { parsePostgresAddress } from './address.ts';
import { describe } from './describe.ts';
import { openSession, serverAt } from './session.ts';
import { takeSnapshot } from './snapshot.ts';

/**
 * Connects to read a database.
 * @throws {DatabaseError} `invalid-address`, `unreachable`, `login-refused`, `no-database`, `busy`. {CancelledError}
 */
export async function connect(address: DatabaseAddress, task: Task): Promise<DatabaseConnection> {
  const server = serverAt(address.url, parsePostgresAddress(address), task);
  const session = await openSession(server, task);
  return {
    describe: async (describeTask) => describe(session, address, describeTask),
    snapshot: async (snapshotTask) =>
      takeSnapshot(serverAt(address.url, server.address, snapshotTask), address, snapshotTask),
    [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
  };
}
