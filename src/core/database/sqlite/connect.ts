import { statSync } from 'node:fs';
import type { Task } from '../../task.ts';
import { throwIfCancelled } from '../../task.ts';
import type { DatabaseAddress, DatabaseConnection } from '../engine.ts';
import { sqliteFile } from './address.ts';
import { describeDatabase } from './describe.ts';
import { takeSnapshot } from './dump.ts';
import { openToRead } from './open.ts';

/** Opens a SQLite database to read it. @throws {DatabaseError} as `openToRead`, `invalid-address`. */
export async function connect(address: DatabaseAddress, task: Task): Promise<DatabaseConnection> {
  throwIfCancelled(task);
  const file = sqliteFile(address);
  // Whatever is wrong with it is found now; each snapshot then has a connection of its own.
  openToRead(file).close();
  return Promise.resolve({
    describe: async () => describeDatabase(file, statSync(file).size),
    snapshot: async (snapshotTask) => takeSnapshot(file, openToRead(file), snapshotTask),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  });
}
