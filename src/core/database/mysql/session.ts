import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { CancelledError } from '../../errors.ts';
import type { Task } from '../../task.ts';
import type { ServerAddress } from './address.ts';
import { quoteText } from './quote.ts';
import { encryptWith, isWithoutTls, tlsOptions } from './tls.ts';
import { type Row, ServerRefusal, Wire } from './wire.ts';

const LOGIN_TIMEOUT_MS = 15_000;

/** Which server answers. */
export interface Server {
  readonly isMariaDb: boolean;
  /** 10.11 is 1011, 8.4 is 804. */
  readonly version: number;
  /** `MariaDB 10.11.19`, `MySQL 8.4.2`. */
  readonly product: string;
}

/** A connection that has logged in, with a session in which everything is read and written exactly. */
export interface Session {
  readonly wire: Wire;
  readonly server: Server;
  /** Number of the session on the server. */
  readonly id: number;
}

/**
 * Sessions do not depend on the server’s settings: no time zone, no mode that changes or refuses values, no limits of
 * time, and text keys are compared in full. Statements a server does not know are left out.
 * `mayFail`: it is new, or a privilege of its own.
 */
const SETTINGS: readonly {
  readonly only?: 'MariaDB' | 'MySQL';
  readonly set: string;
  readonly mayFail?: true;
}[] = [
  { set: 'NAMES utf8mb4' },
  { set: "SESSION time_zone = '+00:00'" },
  { set: "SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'" },
  { set: 'SESSION sql_quote_show_create = 1' },
  { set: 'SESSION autocommit = 1' },
  { set: 'SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ' },
  { set: 'SESSION max_sort_length = 65536' },
  { set: 'SESSION sql_select_limit = DEFAULT' },
  { set: 'SESSION net_write_timeout = 3600' },
  { set: 'SESSION net_read_timeout = 3600' },
  { set: 'SESSION wait_timeout = 28800' },
  // Values that are cut are told of by warnings.
  { set: 'SESSION max_error_count = 1024', mayFail: true },
  { only: 'MariaDB', set: 'SESSION max_statement_time = 0' },
  // A reader whose table the others outlast has nothing to do for that long.
  {
    only: 'MariaDB',
    set: 'SESSION idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0, idle_write_transaction_timeout = 0',
  },
  { only: 'MySQL', set: 'SESSION max_execution_time = 0' },
  { only: 'MySQL', set: 'SESSION information_schema_stats_expiry = 0' },
  // Foreign keys to what is not unique, which MySQL 8.4 and newer has but no longer makes.
  { only: 'MySQL', set: 'SESSION restrict_fk_on_non_standard_key = OFF', mayFail: true },
];

/**
 * Logs in. Nothing is left when it fails or is cancelled.
 * @param database Which to use; undefined for none.
 * @throws what mysql2 or the socket says; see `failure.ts`. {CancelledError}
 */
export async function openSession(
  address: ServerAddress,
  database: string | undefined,
  task: Pick<Task, 'signal'>,
): Promise<Session> {
  const { stream, id } = await login(address, database, task);
  const wire = new Wire(stream);
  try {
    const server = serverOf((await wire.query('SELECT VERSION()'))[0]?.[0] ?? '');
    const own = server.isMariaDb ? 'MariaDB' : 'MySQL';
    for (const { only, set, mayFail } of SETTINGS) {
      if (only !== undefined && only !== own) continue;
      try {
        await wire.query(`SET ${set}`);
      } catch (error) {
        if (mayFail === undefined || !(error instanceof ServerRefusal)) throw error;
      }
    }
    return { wire, server, id };
  } catch (error) {
    wire.destroy();
    throw error;
  }
}

/** Runs work with a session that ends with it; cancelling ends it at once. */
export async function endWhenCancelled<T>(
  sessions: readonly Session[],
  { signal }: Pick<Task, 'signal'>,
  work: () => Promise<T>,
): Promise<T> {
  const end = () => {
    for (const { wire } of sessions) wire.destroy();
  };
  if (signal?.aborted) throw new CancelledError();
  signal?.addEventListener('abort', end, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal?.aborted ? new CancelledError() : error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/** The only value of the only row, or undefined. */
export async function oneValue(session: Session, statement: string): Promise<string | undefined> {
  const [row]: readonly Row[] = await session.wire.query(statement);
  return row?.[0] ?? undefined;
}

/** Uses another database from now on. */
export async function useDatabase(session: Session, name: string): Promise<void> {
  await session.wire.query(`USE \`${name.replaceAll('`', '``')}\``);
}

/** Whether there is a database of a name, as far as this account may know. */
export async function databaseExists(session: Session, name: string): Promise<boolean> {
  const found = await oneValue(
    session,
    `SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoteText(name)}`,
  );
  return found !== undefined;
}

/**
 * mysql2 shakes hands, encrypts and logs in; afterwards the socket is ours (see `wire.ts`), because the driver would
 * make JavaScript values of rows. What we touch of its inside, and why the version is pinned: `stream` is the socket
 * (the encrypted one, where it encrypts) and reads through its `data` listener alone; and the flags below keep
 * packets as `wire.ts` reads them, without query attributes and session state. How it encrypts: see `tls.ts`.
 */
async function login(
  address: ServerAddress,
  database: string | undefined,
  task: Pick<Task, 'signal'>,
): Promise<{ stream: Duplex; id: number }> {
  const tls = await tlsOptions(address);
  try {
    return await loginOnce(address, database, tls, task);
  } catch (error) {
    if (address.tls !== 'preferred' || !isWithoutTls(error)) throw error;
    return loginOnce(address, database, undefined, task);
  }
}

async function loginOnce(
  address: ServerAddress,
  database: string | undefined,
  tls: ConnectionOptions | undefined,
  { signal }: Pick<Task, 'signal'>,
): Promise<{ stream: Duplex; id: number }> {
  if (signal?.aborted) throw new CancelledError();
  const { createConnection } = await import('mysql2');
  const connection = createConnection({
    ...(address.socket === undefined
      ? { host: address.host, port: address.port }
      : { socketPath: address.socket }),
    user: address.user,
    password: address.password,
    ...(database === undefined ? {} : { database }),
    // Only that it is encrypted; how is said below.
    ...(tls === undefined ? {} : { ssl: {} }),
    charset: 'UTF8MB4_GENERAL_CI',
    flags: ['-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK', '-IGNORE_SPACE'],
    connectTimeout: LOGIN_TIMEOUT_MS,
  });
  if (tls !== undefined) encryptWith(connection, tls);
  let cancel: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      cancel = () => {
        reject(new CancelledError());
      };
      signal?.addEventListener('abort', cancel, { once: true });
      connection.once('connect', () => {
        resolve();
      });
      connection.on('error', reject);
    });
  } catch (error) {
    connection.on('error', () => undefined);
    connection.destroy();
    throw error;
  } finally {
    if (cancel !== undefined) signal?.removeEventListener('abort', cancel);
  }
  const inside = connection as unknown as { stream: Duplex; threadId: number };
  const { stream, threadId } = inside;
  stream.removeAllListeners('data');
  connection.on('error', () => undefined);
  return { stream, id: threadId };
}

function serverOf(version: string): Server {
  // Old replication compatibility: `5.5.5-10.11.19-MariaDB`.
  const own = version.replace(/^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/, '');
  const [, number = '0', major = '0', minor = '0'] = /^((\d+)\.(\d+)(?:\.\d+)?)/.exec(own) ?? [];
  const isMariaDb = /mariadb/i.test(version);
  return {
    isMariaDb,
    version: Number(major) * 100 + Number(minor),
    product: `${isMariaDb ? 'MariaDB' : 'MySQL'} ${number}`,
  };
}
