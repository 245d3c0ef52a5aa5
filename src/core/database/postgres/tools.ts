import { spawn } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CancelledError } from '../../errors.ts';
import type { Task } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import type { Server } from './session.ts';

/** Where packages put the tools of several versions side by side. */
const TOOL_FOLDERS = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/opt/homebrew/opt/libpq/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
  'C:/Program Files/PostgreSQL/*/bin',
];
const MOST_STDERR_BYTES = 16 * 1024;
const SUFFIX = process.platform === 'win32' ? '.exe' : '';

/** A folder with pg_dump and pg_restore. */
export interface ClientTools {
  readonly folder: string;
  /** `15`. */
  readonly major: number;
  /** `15.18`. */
  readonly version: string;
}

/**
 * The tools that read a server: the oldest that are not older than it, for newer ones write what it does not know.
 * @param folder the only folder to look in; undefined looks where packages put them, then on the PATH
 * @throws {DatabaseError} `missing-tool`.
 */
export async function findClientTools(
  serverVersion: number,
  folder: string | undefined,
): Promise<ClientTools> {
  const wanted = Math.floor(serverVersion / 10_000);
  const found = await allClientTools(folder);
  const fitting = found.filter(({ major }) => major >= wanted).sort((a, b) => a.major - b.major)[0];
  if (fitting !== undefined) return fitting;
  const newest = [...found].sort((a, b) => b.major - a.major)[0];
  const why =
    newest === undefined
      ? `pg_dump and pg_restore are not ${folder === undefined ? 'installed' : `in ${folder}`}`
      : `pg_dump ${newest.version} in ${newest.folder} is older than the server, PostgreSQL ${wanted}`;
  throw new DatabaseError('missing-tool', `The database’s schema cannot be read: ${why}.`, {
    hint: `Install PostgreSQL’s client tools of version ${wanted} or newer (Debian: postgresql-client-${wanted}), or name their folder as “tools” in the set file.`,
  });
}

async function allClientTools(folder: string | undefined): Promise<ClientTools[]> {
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  const folders =
    folder === undefined
      ? [...TOOL_FOLDERS.flatMap((each) => (each.includes('*') ? globSync(each) : [each])), ...onPath]
      : [folder];
  const complete = [...new Set(folders)].filter(
    (each) =>
      isProgram(path.join(each, `pg_dump${SUFFIX}`)) && isProgram(path.join(each, `pg_restore${SUFFIX}`)),
  );
  const tools = await Promise.all(complete.map(async (each) => toolsIn(each)));
  return tools.filter((each) => each !== undefined);
}

async function toolsIn(folder: string): Promise<ClientTools | undefined> {
  const program = path.join(folder, `pg_dump${SUFFIX}`);
  const { stdout } = await collect(program, ['--version'], { env: process.env, task: {} }).catch(() => ({
    stdout: Buffer.alloc(0),
  }));
  const [, version, major] = /\(PostgreSQL\) ((\d+)[.\w]*)/.exec(stdout.toString()) ?? [];
  return version === undefined ? undefined : { folder, version, major: Number(major) };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What a tool is run with. */
interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly task: Task;
  readonly input?: Buffer;
  readonly onStderr?: (text: string) => void;
}

/**
 * Runs a program to its end. A stopped task kills it.
 * @throws {ToolFailure} with its stderr, capped. {CancelledError}
 */
export async function collect(
  program: string,
  args: readonly string[],
  { env, task, input, onStderr }: RunOptions,
): Promise<{ stdout: Buffer }> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  const kill = () => child.kill('SIGKILL');
  task.signal?.addEventListener('abort', kill, { once: true });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (block: Buffer) => stdout.push(block));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MOST_STDERR_BYTES);
    onStderr?.(text);
  });
  // One that ends before it has read everything says why on its stderr.
  child.stdin.on('error', () => undefined).end(input);
  try {
    const status = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal));
      if (task.signal?.aborted === true) kill();
    });
    if (task.signal?.aborted === true) throw new CancelledError();
    if (status !== 0) throw new ToolFailure(path.basename(program, SUFFIX), status, stderr);
    return { stdout: Buffer.concat(stdout) };
  } finally {
    task.signal?.removeEventListener('abort', kill);
  }
}

/** A tool has failed; what it said may hold anything, so it is redacted before it is shown. */
export class ToolFailure extends Error {
  readonly stderr: string;
  constructor(name: string, status: number | NodeJS.Signals | null, stderr: string) {
    super(`${name} ended with ${status}`);
    this.stderr = stderr;
  }
}

/**
 * Gives work an environment in which PostgreSQL’s tools find the server. The password stands in a file only its user
 * may read, which is removed when the work is done.
 */
export async function withToolEnvironment<T>(
  { address }: Server,
  work: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^PG(?!SYSCONFDIR)/.test(name));
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(inherited),
    LC_ALL: 'C',
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGDATABASE: address.database,
    PGSSLMODE: address.tls,
    PGAPPNAME: 'CRM Backup',
    PGCONNECT_TIMEOUT: '15',
    ...(address.rootCertificate === undefined ? {} : { PGSSLROOTCERT: address.rootCertificate }),
  };
  if (address.password === undefined) {
    for (const name of ['PGPASSFILE', 'PGPASSWORD']) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    return work(env);
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'crm-backup-'));
  try {
    const file = path.join(folder, 'pgpass');
    const password = address.password.replace(/[\\:]/g, '\\$&');
    await writeFile(file, `*:*:*:*:${password}\n`, { mode: 0o600, flag: 'wx' });
    return await work({ ...env, PGPASSFILE: file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
