import { accessSync, constants, globSync } from 'node:fs';
import path from 'node:path';
import type { Task } from '../../task.ts';
import type { DatabaseAddress } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { runTool } from '../run-tool.ts';
import {
  type Container,
  containerAt,
  containerFailure,
  runInContainer,
  serviceOf,
} from '../tools-in-container.ts';
import type { PostgresAddress } from './address.ts';
import { withToolEnvironment } from './tool-environment.ts';

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
const SUFFIX = process.platform === 'win32' ? '.exe' : '';

/** How a tool is run. */
export interface ToolOptions {
  readonly task: Task;
  readonly input?: Buffer;
  readonly onStderr?: (text: string) => void;
}

/** pg_dump and pg_restore, somewhere. */
export interface ClientTools {
  /** `in /usr/lib/postgresql/15/bin`, `in the container of “db”`. */
  readonly place: string;
  /** `15`. */
  readonly major: number;
  /** `15.18`. */
  readonly version: string;
  /**
   * Runs one of them against a server and returns what it writes.
   * @throws {ToolFailure}, {CancelledError}
   */
  run(
    tool: 'pg_dump' | 'pg_restore',
    args: readonly string[],
    address: PostgresAddress,
    options: ToolOptions,
  ): Promise<Buffer>;
}

/** Where tools are looked for: `tools` of the set file, and the workspace with its Compose file. */
export type ToolPlace = Pick<DatabaseAddress, 'tools' | 'workspace'>;

/**
 * The tools that read a server: the oldest that are not older than it, for newer ones write what it does not know.
 * Where the set file names none, they are looked for where packages put them, on the PATH, and in the container that
 * publishes the server’s port.
 * @throws {DatabaseError} `missing-tool`. {CancelledError}
 */
export async function findClientTools(
  serverVersion: number,
  { tools, workspace }: ToolPlace,
  address: PostgresAddress,
  task: Task,
): Promise<ClientTools> {
  const wanted = Math.floor(serverVersion / 10_000);
  const service = serviceOf(tools);
  const found =
    service === undefined
      ? await localTools(tools)
      : [await toolsInContainer({ service, project: workspace }, task)];
  const fitting = oldestFitting(found, wanted);
  if (fitting !== undefined) return fitting;
  const container = tools === undefined ? await containerAt(workspace, address, task) : undefined;
  const inside = container === undefined ? [] : [await toolsInContainer(container, task)];
  const beside = oldestFitting(inside, wanted);
  if (beside !== undefined) return beside;
  const newest = [...found, ...inside].sort((a, b) => b.major - a.major)[0];
  const why =
    newest === undefined
      ? `pg_dump and pg_restore are not ${tools === undefined ? 'installed' : `in ${tools}`}`
      : `pg_dump ${newest.version} ${newest.place} is older than the server, PostgreSQL ${wanted}`;
  throw new DatabaseError('missing-tool', `The database’s schema cannot be read: ${why}.`, {
    hint: `Install PostgreSQL’s client tools of version ${wanted} or newer (Debian: postgresql-client-${wanted}), or name their folder as “tools” in the set file, or “docker:SERVICE” when the server runs in Docker Compose.`,
  });
}

function oldestFitting(found: readonly ClientTools[], wanted: number): ClientTools | undefined {
  return found.filter(({ major }) => major >= wanted).sort((a, b) => a.major - b.major)[0];
}

async function toolsInContainer(container: Container, task: Task): Promise<ClientTools> {
  const runInside: ClientTools['run'] = async (tool, args, { user, database, password }, options) =>
    runInContainer(container, tool, args, {
      ...options,
      // Inside, the server is where its own tools look by default.
      env: {
        LC_ALL: 'C',
        PGUSER: user,
        PGDATABASE: database,
        PGAPPNAME: 'CRM Backup',
        PGCONNECT_TIMEOUT: '15',
      },
      secret: password === undefined ? undefined : { variable: 'PGPASSWORD', value: password },
    });
  let printed: Buffer;
  try {
    printed = await runInContainer(container, 'pg_dump', ['--version'], { env: {}, task });
  } catch (error) {
    throw containerFailure(container, error);
  }
  const version = versionIn(printed);
  if (version !== undefined)
    return { place: `in the container of “${container.service}”`, ...version, run: runInside };
  throw new DatabaseError('missing-tool', `The container of “${container.service}” has no pg_dump.`, {
    hint: 'Let “tools” in the set file name the service of the PostgreSQL server itself.',
  });
}

/** @param folder the only one to look in */
async function localTools(folder: string | undefined): Promise<ClientTools[]> {
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
  const program = (tool: string): string => path.join(folder, `${tool}${SUFFIX}`);
  const printed = await runTool(program('pg_dump'), ['--version'], { env: process.env, task: {} }).catch(() =>
    Buffer.alloc(0),
  );
  const version = versionIn(printed);
  if (version === undefined) return undefined;
  return {
    place: `in ${folder}`,
    ...version,
    run: async (tool, args, address, options) =>
      withToolEnvironment(address, async (env) => runTool(program(tool), args, { ...options, env })),
  };
}

function versionIn(printed: Buffer): Pick<ClientTools, 'version' | 'major'> | undefined {
  const [, version, major] = /\(PostgreSQL\) ((\d+)[.\w]*)/.exec(printed.toString()) ?? [];
  return version === undefined ? undefined : { version, major: Number(major) };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
