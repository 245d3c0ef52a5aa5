import type { Task } from '../../task.ts';
import type { DatabaseAddress, RestoreTarget } from '../engine.ts';
import { parsePostgresAddress } from './address.ts';
import { openMaintenance } from './maintenance.ts';
import { planDatabase } from './plan.ts';
import { serverAt } from './session.ts';
import { buildDatabase } from './side-database.ts';
import { clearDatabase, switchDatabase, switchDatabaseBack } from './swap.ts';
import { readTicket } from './ticket.ts';

/**
 * Connects to restore.
 * @param target another database of the same server
 * @throws {DatabaseError} `invalid-address`, `unreachable`, `login-refused`, `busy`. {CancelledError}
 */
export async function openTarget(
  address: DatabaseAddress,
  target: string | undefined,
  task: Task,
): Promise<RestoreTarget> {
  const parsed = parsePostgresAddress(address);
  const server = serverAt(address.url, target === undefined ? parsed : { ...parsed, database: target }, task);
  const session = await openMaintenance(server, task);
  return {
    plan: async (source, request) => planDatabase(session, source, request),
    build: async (source, ticket, buildTask) => buildDatabase(session, source, readTicket(ticket), buildTask),
    switch: async (ticket) => switchDatabase(session, readTicket(ticket)),
    switchBack: async (ticket) => switchDatabaseBack(session, readTicket(ticket)),
    clear: async (ticket) => clearDatabase(session, readTicket(ticket)),
    [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
  };
}
