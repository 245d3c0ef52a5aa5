import { CrmBackupError } from '../../errors.ts';
import type { Task } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import { openSession, type Server, type Session } from './session.ts';

/** Databases every server has, unless someone removed them. */
const USUAL = ['postgres', 'template1'];

/**
 * Opens a connection to a database that is not restored: one cannot be renamed from within.
 * @throws {DatabaseError} `unreachable`, `login-refused` …
 */
export async function openMaintenance(server: Server, task: Task): Promise<Session> {
  let failure: unknown;
  for (const database of USUAL) {
    if (database === server.address.database) continue;
    try {
      return await openSession(server, task, database);
    } catch (error) {
      const elsewhere =
        error instanceof DatabaseError &&
        ['no-database', 'missing-privilege', 'login-refused'].includes(error.code);
      if (!elsewhere) throw error;
      failure ??= error;
    }
  }
  if (failure instanceof CrmBackupError) throw failure;
  throw new DatabaseError(
    'no-database',
    'The PostgreSQL server has no database to rename another one from.',
    {
      hint: 'Create one: CREATE DATABASE postgres;',
    },
  );
}
