import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { chownSync, createReadStream, existsSync, mkdirSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findTool } from '../../scripts/tools.mjs';
import { openSession, type Session } from '../../src/core/database/mysql/session.ts';
import { parseAddress } from '../../src/core/database/mysql/address.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './tree.ts';

const run = promisify(execFile);

/** Servers do not run as root; `nobody` owns the folder of one started by root. */
const NOBODY = 65534;
export const ROOT_PASSWORD = 'root: s3cret/%';
const START_TIMEOUT_MS = 30_000;

/** Whether this machine has MariaDB; tests skip by name where it has not. */
export const hasMariaDb = findTool('mariadb') !== undefined;
const program = findTool('mariadb') ?? 'mariadbd';
/** Whether the server that stands in for MariaDB is MySQL; see CONTRIBUTING.md. */
export const isMySql =
  hasMariaDb && !spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.includes('MariaDB');
const besides = isMySql ? join(program, '../../bin') : '';
const ownClient = join(besides, isMySql ? 'mysql' : 'mariadb');
const ownDump = join(besides, isMySql ? 'mysqldump' : 'mariadb-dump');

/** What MariaDB alone has, as MySQL says it: numbers in a row, types; sequences it has none. */
function spoken(sql: string): readonly string[] {
  if (!isMySql) return [sql];
  const replaced = /^CREATE OR REPLACE ((USER|ROLE) (\S+).*)$/.exec(sql);
  if (replaced !== null) return [`DROP ${replaced[2]!} IF EXISTS ${replaced[3]!}`, `CREATE ${replaced[1]!}`];
  const said = sql
    .replace(/^CREATE SEQUENCE .*$\n?/gm, '')
    .replace(/^GRANT .* TO PUBLIC$/, '')
    .replace(/^GRANT SELECT ON mysql\.proc TO /, 'GRANT SHOW_ROUTINE ON *.* TO ')
    .replace(/\bMD5\(([^)]*)\)/gi, 'SHA2($1, 256)')
    .replace(/ DEFAULT NEXTVAL\([^)]*\)/, '')
    .replace('INET6', 'VARBINARY(16)')
    .replace(/\bUUID\b(?!\()/, 'CHAR(36)')
    .replace(
      /(?:\b\w{1,64}\.)?seq_1_to_(\d+)/g,
      '(WITH RECURSIVE s (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM s WHERE seq < $1) SELECT seq FROM s) AS numbers',
    );
  return said === '' ? [] : [said];
}

/** A MariaDB server of its own on a free port: `await using server = await startMariaDb()`. */
export interface MariaDbServer extends AsyncDisposable {
  readonly port: number;
  /** The URL of a database for an account; the administrator by default. */
  url(database: string, user?: string, password?: string): string;
  /** A session of the administrator. */
  session(database?: string): Promise<Session>;
  /** Runs statements as the administrator, one after the other, in one session. */
  run(database: string | undefined, ...statements: readonly string[]): Promise<void>;
  /** Values of a statement’s rows. */
  rows(database: string | undefined, statement: string): Promise<readonly (readonly (string | null)[])[]>;
  /** Loads a script with the server’s own client. */
  load(database: string | undefined, file: string): Promise<void>;
  /** Runs a script with the server’s own client. */
  script(database: string, sql: string): Promise<void>;
  /** What the server’s own dump says of everything but rows. */
  schema(database: string): Promise<string>;
  /** Ends the server as a power failure does. */
  kill(): Promise<void>;
  /** Starts it again with the data it had. */
  start(): Promise<void>;
}

/** Makes an empty server and starts it. @param options More options of `mariadbd`. */
export async function startMariaDb(options: readonly string[] = []): Promise<MariaDbServer> {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  // A server that starts removes what others have in a temporary folder they share.
  const temporary = join(folder.path, 'tmp');
  const socket = join(folder.path, 'socket');
  for (const path of [data, temporary]) mkdirSync(path);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const path of [folder.path, data, temporary]) chownSync(path, NOBODY, NOBODY);
  const user = isRoot ? ['--user=nobody'] : [];
  const ownFlags = [`--datadir=${data}`, `--tmpdir=${temporary}`, ...user];
  if (isMySql) await run(program, ['--no-defaults', '--initialize-insecure', ...ownFlags]);
  else
    await run('mariadb-install-db', [
      ...['--no-defaults', '--auth-root-authentication-method=normal', '--skip-test-db', ...ownFlags],
    ]);
  const port = await freePort();
  let server: ChildProcess | undefined;

  const start = async () => {
    server = spawn(
      program,
      [
        ...['--no-defaults', ...ownFlags],
        ...[`--socket=${socket}`, `--port=${String(port)}`],
        ...['--bind-address=127.0.0.1', '--skip-log-bin', '--innodb-buffer-pool-size=64M'],
        ...[
          '--innodb-flush-log-at-trx-commit=0',
          // The machine is never switched off here, only the server is killed.
          '--innodb-flush-method=nosync',
          ...(isMySql
            ? [
                '--mysqlx=OFF',
                '--cte-max-recursion-depth=1000000',
                '--innodb-redo-log-capacity=32M',
                '--secure-file-priv=',
                `--basedir=${join(program, '../..')}`,
              ]
            : ['--innodb-log-file-size=32M', '--debug-no-sync']),
          '--innodb-doublewrite=OFF',
          '--event-scheduler=OFF',
          ...options,
        ],
      ],
      { stdio: 'ignore' },
    );
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(port))) {
      if (Date.now() > deadline || server.exitCode !== null) throw new Error('MariaDB did not start.');
      await wait(50);
    }
  };
  const stop = async (signal: NodeJS.Signals) => {
    const stopped = server;
    server = undefined;
    if (stopped?.exitCode !== null || stopped.signalCode !== null) return;
    const ended = new Promise((resolve) => stopped.once('exit', resolve));
    stopped.kill(signal);
    await ended;
  };
  // Whatever ends this process, its servers end with it.
  process.once('exit', () => server?.kill('SIGKILL'));
  await start();
  const url = (database: string, account = 'root', password = ROOT_PASSWORD) =>
    `mysql://${encodeURIComponent(account)}:${encodeURIComponent(password)}@127.0.0.1:${String(port)}/${encodeURIComponent(database)}`;
  const session = async (database?: string, password = ROOT_PASSWORD) =>
    openSession(
      parseAddress({ name: 'test', url: url('mysql', 'root', password), workspace: '/' }),
      database,
      {},
    );
  const rows = async (database: string | undefined, statement: string) => {
    const { wire } = await session(database);
    try {
      return await wire.query(statement);
    } finally {
      await wire.close();
    }
  };
  const first = await session('mysql', '');
  await first.wire.query(`ALTER USER root@localhost IDENTIFIED BY '${ROOT_PASSWORD}'`);
  await first.wire.close();
  /** Runs one of the server’s own programs; returns what it prints. */
  const client = async (program: string, args: readonly string[], input?: Readable) => {
    const login = ['--no-defaults', '--user=root', `--socket=${socket}`, '--default-character-set=utf8mb4'];
    const child = spawn(program, [...login, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, MYSQL_PWD: ROOT_PASSWORD },
    });
    let said = '';
    let printed = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await pipeline(input ?? Readable.from([]), child.stdin).catch(() => undefined);
    const code = await ended;
    // Its other lines have rows in them.
    if (code !== 0) throw new Error(`${program} failed: ${/ERROR.*|error:.*/i.exec(said)?.[0] ?? ''}`);
    return printed;
  };
  return {
    port,
    url,
    session,
    rows,
    start,
    run: async (database, ...statements) => {
      const { wire } = await session(database);
      for (const statement of statements.flatMap(spoken)) await wire.query(statement);
      await wire.close();
    },
    load: async (database, file) => {
      await client(
        ownClient,
        ['--binary-mode', ...(database === undefined ? [] : [database])],
        createReadStream(file),
      );
    },
    script: async (database, sql) => {
      await client(ownClient, [database], Readable.from([spoken(sql).join('\n')]));
    },
    schema: async (database) =>
      client(ownDump, [
        '--no-data',
        '--routines',
        '--events',
        '--skip-comments',
        '--skip-dump-date',
        database,
      ]),
    kill: async () => stop('SIGKILL'),
    [Symbol.asyncDispose]: async () => {
      await stop('SIGKILL');
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A file of real data beside the checkout, or undefined where there is none. */
export function realData(name: string): string | undefined {
  const file = join(import.meta.dirname, '../../../shared/data', name);
  return existsSync(file) ? file : undefined;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
    socket.once('close', () => {
      resolve(false);
    });
  });
}
