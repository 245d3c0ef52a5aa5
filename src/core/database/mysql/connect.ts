import type { Task } from '../../task.ts';
import type { DatabaseAddress, DatabaseConnection } from '../engine.ts';
import { parseAddress } from './address.ts';
import { describe } from './describe.ts';
import { takeSnapshot } from './dump.ts';
import { Failures } from './failure.ts';
import { openSession } from './session.ts';

/** Connects to read; see {@link DatabaseConnection}. */
export async function connect(address: DatabaseAddress, task: Task): Promise<DatabaseConnection> {
  const server = parseAddress(address);
  const failures = new Failures(address, server);
  let session;
  try {
    session = await openSession(server, server.database, task);
  } catch (error) {
    throw failures.of(error, 'reached');
  }
  const { wire } = session;
  return {
    describe: async (describeTask) => {
      try {
        return await describe(session, server, describeTask);
      } catch (error) {
        throw failures.of(error, 'examined');
      }
    },
    snapshot: async (snapshotTask) => takeSnapshot(session, address, server, snapshotTask),
    [Symbol.asyncDispose]: async () => wire.close(),
  };
}
