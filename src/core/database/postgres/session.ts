import type { Client, ClientConfig } from 'pg';
import { throwIfCancelled, type Task } from '../../task.ts';
import type { DatabaseErrorCode } from '../error.ts';
import type { PostgresAddress } from './address.ts';
import { failuresAt, stateOf, unreachable, type Failures } from './failure.ts';
import { tlsAttempts } from './tls.ts';

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * What decides how values are written and read; the same while dumping and loading, so that every value comes back
 * as it was.
 */
const PINNED = [
  "SET DateStyle = 'ISO, MDY'",
  "SET IntervalStyle = 'postgres'",
  "SET TimeZone = 'UTC'",
  'SET extra_float_digits = 3',
  "SET bytea_output = 'hex'",
  "SET xmlbinary = 'base64'",
  "SET xmloption = 'content'",
  "SET lc_monetary = 'C'",
  "SET lc_numeric = 'C'",
  'SET standard_conforming_strings = on',
  'SET array_nulls = on',
  'SET synchronize_seqscans = off',
  'SET row_security = off',
  'SET statement_timeout = 0',
  'SET lock_timeout = 0',
  'SET idle_in_transaction_session_timeout = 0',
  'SET default_transaction_read_only = off',
  "SET default_transaction_isolation = 'read committed'",
  'SET default_transaction_deferrable = off',
  'SET transform_null_equals = off',
  'SET quote_all_identifiers = off',
  "SET client_min_messages = 'warning'",
  'SET jit = off',
  // Two sessions read side by side already, and to gather what others sorted costs more than to sort.
  'SET max_parallel_workers_per_gather = 0',
  "SELECT pg_catalog.set_config('search_path', '', false)",
].join('; ');

/** What is fixed of one server for all its sessions. */
export interface Server {
  readonly url: string;
  readonly address: PostgresAddress;
  readonly failures: Failures;
}

/** One connection with pinned settings. Disposing closes it, whatever it is doing. */
export interface Session extends AsyncDisposable {
  readonly client: Client;
  readonly server: Server;
  /** `150018` for 15.18. */
  readonly version: number;
  /**
   * Runs statements.
   * @throws {DatabaseError} telling what was being done.
   */
  run(sql: string, doing: string, otherwise?: DatabaseErrorCode): Promise<void>;
  /** Runs one query; its rows are objects of texts. */
  rows<Row extends object>(sql: string, doing: string, values?: readonly (string | null)[]): Promise<Row[]>;
  /** Ends the connection without a goodbye, so that the server breaks off what it is doing. */
  abort(): void;
}

/** The server of an address. */
export function serverAt(url: string, address: PostgresAddress, task: Task): Server {
  return { url, address, failures: failuresAt(url, address, task) };
}

/**
 * Opens a connection. A stopped task ends it at once.
 * @param database another database of the same server
 * @throws {DatabaseError} `unreachable`, `login-refused`, `no-database`, `busy`. {CancelledError}
 */
export async function openSession(server: Server, task: Task, database?: string): Promise<Session> {
  throwIfCancelled(task);
  const address = database === undefined ? server.address : { ...server.address, database };
  const client = await connected(address, server, task);
  const abort = () => client.connection.stream.destroy();
  task.signal?.addEventListener('abort', abort, { once: true });
  const run = async (sql: string, doing: string, otherwise?: DatabaseErrorCode) => {
    try {
      await client.query(sql);
    } catch (error) {
      throw server.failures.of(error, doing, otherwise);
    }
  };
  const rows = async <Row extends object>(
    sql: string,
    doing: string,
    values: readonly (string | null)[] = [],
  ) => {
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw server.failures.of(error, doing);
    }
  };
  const close = async () => {
    task.signal?.removeEventListener('abort', abort);
    await client.end().catch(() => undefined);
  };
  try {
    await run(PINNED, 'Preparing the connection');
    const [info] = await rows<{ version: string; encoding: string }>(
      "SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding",
      'Asking for the server’s version',
    );
    const version = Number(info!.version);
    if (version >= 140000) await run('SET idle_session_timeout = 0', 'Preparing the connection');
    if (version >= 170000) await run('SET transaction_timeout = 0', 'Preparing the connection');
    // Bytes of no known encoding pass as they are.
    if (info!.encoding === 'SQL_ASCII')
      await run("SET client_encoding = 'SQL_ASCII'", 'Preparing the connection');
    return { client, server, version, run, rows, abort, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function connected(address: PostgresAddress, server: Server, task: Task): Promise<Client> {
  const { Client } = await import('pg');
  const { failures } = server;
  for (const ssl of await tlsAttempts(address)) {
    const config: ClientConfig = {
      host: address.host,
      port: address.port,
      user: address.user,
      database: address.database,
      ssl,
      application_name: 'CRM Backup',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      // Values stay the texts the server sends.
      types: { getTypeParser: () => (value: unknown) => value },
      ...(address.password === undefined ? {} : { password: address.password }),
    };
    const client = new Client(config);
    // A connection that ends while nothing is asked of it is told by the next question. From the start: a server may
    // say welcome and goodbye in one breath.
    client.on('error', () => undefined);
    const abort = () => client.connection.stream.destroy();
    task.signal?.addEventListener('abort', abort, { once: true });
    try {
      await client.connect();
      return client;
    } catch (error) {
      client.connection.stream.destroy();
      if (ssl !== false && address.tls === 'prefer' && isWithoutTls(error)) continue;
      throw stateOf(error) === undefined || stateOf(error)?.startsWith('57P') === true
        ? failures.of(loginProblem(error) ?? unreachable(error, address, failures.redact), 'Connecting')
        : failuresAt(server.url, address, task).of(error, 'Connecting');
    } finally {
      task.signal?.removeEventListener('abort', abort);
    }
  }
  throw unreachable(undefined, address, failures.redact);
}

/** A server that wants a password when there is none: the driver says so itself, in its own words. */
function loginProblem(error: unknown): unknown {
  if (!(error instanceof Error) || !/password must be a|SASL|SCRAM/i.test(error.message)) return undefined;
  return Object.assign(new Error('it asks for a password'), { code: '28P01' });
}

function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && /does not support SSL/i.test(error.message);
}

/** Whether a database has a schema. */
export async function hasSchema(session: Session, name: string): Promise<boolean> {
  const sql = 'SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1';
  return (await session.rows(sql, 'Looking at the schemas', [name])).length > 0;
}
