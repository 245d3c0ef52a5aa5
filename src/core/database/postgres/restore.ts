import type { Task } from '../../task.ts';
import type { DatabaseAddress, DumpSource, RestoreTarget } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { parsePostgresAddress } from './address.ts';
import { openMaintenance } from './maintenance.ts';
import { planDatabase, type PostgresPlan } from './plan.ts';
import { openSession, serverAt, type Session } from './session.ts';
import { buildDatabase } from './side-database.ts';
import {
  areSchemasSwitched,
  buildSchemas,
  clearSchemas,
  keepLiveSchemas,
  planSchemas,
  switchSchemas,
  switchSchemasBack,
} from './side-schemas.ts';
import {
  areTablesSwitched,
  buildTables,
  clearTables,
  keepLiveTables,
  planTables,
  switchTables,
  switchTablesBack,
} from './single-tables.ts';
import {
  clearDatabase,
  isDatabaseSwitched,
  keepLiveDatabase,
  switchDatabase,
  switchDatabaseBack,
} from './swap.ts';
import { isEmpty } from './target-state.ts';
import { type PostgresTicket, readTicket } from './ticket.ts';

/** How one way of restoring does its steps. */
interface Way {
  build(session: Session, source: DumpSource, ticket: PostgresTicket, task: Task): Promise<void>;
  switch(session: Session, ticket: PostgresTicket): Promise<void>;
  switchBack(session: Session, ticket: PostgresTicket): Promise<void>;
  clear(session: Session, ticket: PostgresTicket): Promise<void>;
  isSwitched(session: Session, ticket: PostgresTicket): Promise<boolean>;
  /** After the switch: removes all but what was live before. */
  keepLive(session: Session, ticket: PostgresTicket): Promise<string | undefined>;
}

const WAYS: Readonly<Record<PostgresTicket['mode'], Way>> = {
  database: {
    build: buildDatabase,
    switch: switchDatabase,
    switchBack: switchDatabaseBack,
    clear: clearDatabase,
    isSwitched: isDatabaseSwitched,
    keepLive: keepLiveDatabase,
  },
  schemas: {
    build: buildSchemas,
    switch: switchSchemas,
    switchBack: switchSchemasBack,
    clear: clearSchemas,
    isSwitched: areSchemasSwitched,
    keepLive: keepLiveSchemas,
  },
  tables: {
    build: buildTables,
    switch: switchTables,
    switchBack: switchTablesBack,
    clear: clearTables,
    isSwitched: areTablesSwitched,
    keepLive: keepLiveTables,
  },
};

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
  const place = target === undefined ? parsed : { ...parsed, database: target };
  const maintenance = await openMaintenance(serverAt(address.url, place, task), task);
  /** Only a database as a whole is handled from outside. A connection to it is closed with each step, for it is in the way. */
  const within = async <T>(
    mode: PostgresTicket['mode'],
    during: Task,
    work: (session: Session) => Promise<T>,
  ) => {
    if (mode === 'database') return work(maintenance);
    await using session = await openSession(serverAt(address.url, place, during), during);
    // Awaited here, so that the connection is closed only afterwards.
    return await work(session);
  };
  /** Of another target it is told whether anything would be lost; one that may not be looked into is not called empty. */
  const withEmptiness = async (plan: PostgresPlan, during: Task): Promise<PostgresPlan> => {
    if (target === undefined || plan.creates) return plan;
    try {
      return { ...plan, isEmpty: await within('schemas', during, isEmpty) };
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      return plan;
    }
  };
  return {
    async plan(source, request, planTask): Promise<PostgresPlan> {
      const { tables } = request;
      if (tables !== undefined) {
        return within('tables', planTask, async (session) =>
          planTables(session, source, { ...request, tables }),
        );
      }
      if (await mayCreateDatabases(maintenance))
        return withEmptiness(await planDatabase(maintenance, source, request), planTask);
      try {
        const plan = await within('schemas', planTask, async (session) =>
          planSchemas(session, source, request),
        );
        return await withEmptiness(plan, planTask);
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.code !== 'no-database') throw error;
        throw new DatabaseError(
          'missing-privilege',
          `“${place.user}” may not create the database “${place.database}”.`,
          {
            hint: `Run as an administrator: ALTER ROLE "${place.user}" CREATEDB;`,
          },
        );
      }
    },
    async build(source, written, buildTask) {
      const ticket = readTicket(written);
      await within(ticket.mode, buildTask, async (session) =>
        WAYS[ticket.mode].build(session, source, ticket, buildTask),
      );
    },
    async switch(written) {
      const ticket = readTicket(written);
      await within(ticket.mode, {}, async (session) => WAYS[ticket.mode].switch(session, ticket));
    },
    async switchBack(written) {
      const ticket = readTicket(written);
      await within(ticket.mode, {}, async (session) => WAYS[ticket.mode].switchBack(session, ticket));
    },
    async clear(written) {
      const ticket = readTicket(written);
      await within(ticket.mode, {}, async (session) => WAYS[ticket.mode].clear(session, ticket));
    },
    async whichIsLive(written) {
      const ticket = readTicket(written);
      const isSwitched = await within(ticket.mode, {}, async (session) =>
        WAYS[ticket.mode].isSwitched(session, ticket),
      );
      return isSwitched ? 'new' : 'old';
    },
    async keepLive(written) {
      const ticket = readTicket(written);
      const way = WAYS[ticket.mode];
      return within(ticket.mode, {}, async (session) => {
        if (await way.isSwitched(session, ticket)) return way.keepLive(session, ticket);
        await way.clear(session, ticket);
        return undefined;
      });
    },
    [Symbol.asyncDispose]: async () => maintenance[Symbol.asyncDispose](),
  };
}

async function mayCreateDatabases(session: Session): Promise<boolean> {
  const [found] = await session.rows<{ may: string }>(
    'SELECT (rolcreatedb OR rolsuper)::text AS may FROM pg_catalog.pg_roles WHERE rolname = current_user',
    'Asking for the privileges',
  );
  return found!.may === 'true';
}
